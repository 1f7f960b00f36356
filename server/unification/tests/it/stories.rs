use domain::unification::{
    Attribute, Condition, DecidedBy, Field, MatchStatus, Member, Operator, Person, Rule, RuleResult, RuleSet,
    Target, WhenAmbiguous, WhyNot,
};
use unification::{IndexError, Lists, Matcher, Threads, UnusableRuleSet};

use crate::world::{company, matcher, member, person};

/// `status company person rule-or-cause` of a member with an address, by the shipped rules.
fn outcome(matcher: &Matcher, member: &Member) -> String {
    let outcome = matcher.match_one(member);
    let name = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} {}",
        outcome.status,
        name(outcome.company_external_id),
        name(outcome.person_external_id),
        outcome
            .why_not
            .map_or(outcome.rule.unwrap_or_default(), |why| why.as_str().to_owned()),
    )
}

/// Persons with and without a company, two of one address, and one who is gone.
fn people() -> [Person; 10] {
    [
        person("ann", "Ann@Private.example", Some("halden")),
        person("bob", "bob@halden.example", None),
        person("same-1", "desk@shared.example", Some("halden")),
        person("same-2", "desk@shared.example", Some("halden")),
        person("differ-1", "pool@shared.example", Some("halden")),
        person("differ-2", "pool@shared.example", Some("kestrel")),
        person("alone-1", "info@shared.example", None),
        person("alone-2", "info@shared.example", None),
        person("lost", "lost@shared.example", Some("no such company")),
        Person {
            active: false,
            ..person("gone", "gone@shared.example", Some("halden"))
        },
    ]
}

#[test]
fn addresses_find_their_company_by_the_shipped_rules() {
    let companies = [
        company(
            "halden",
            "Halden Freight GmbH & Co. KG",
            &["halden.example", "Müller.de"],
        ),
        company("halden-uk", "Halden UK Ltd", &["uk.halden.example"]),
        company("kestrel", "Kestrel-Haul, Inc.", &[]),
        company("gmail", "Gmail", &["gmail.com"]),
        company("twin-a", "Twin A", &["twin.example"]),
        company("twin-b", "Twin B", &["twin.example"]),
    ];
    let matcher = matcher(RuleSet::shipped(), &companies, &people());
    for (email, expected) in [
        (" ANN@private.example ", "matched halden ann email-to-person"),
        ("ann+news@private.example", "unmatched - - domain_unknown"),
        ("bob@halden.example", "matched halden bob email-domain-to-company"),
        (
            "eve@sub.halden.example",
            "matched halden - email-domain-to-company",
        ),
        (
            "eve@x.uk.halden.example",
            "matched halden-uk - email-domain-to-company",
        ),
        ("eve@xn--mller-kva.de", "matched halden - email-domain-to-company"),
        (
            "eve@halden-freight.co.uk",
            "matched halden - email-domain-label-to-company-name",
        ),
        (
            "eve@kestrelhaul.fr",
            "matched kestrel - email-domain-label-to-company-name",
        ),
        ("eve@gmail.com", "unmatched - - free_mail"),
        ("eve@twin.example", "ambiguous - - ambiguous"),
        ("desk@shared.example", "matched halden - email-to-person"),
        ("pool@shared.example", "ambiguous - - ambiguous"),
        ("info@shared.example", "unmatched - - domain_unknown"),
        ("lost@shared.example", "unmatched - lost domain_unknown"),
        ("gone@shared.example", "unmatched - - domain_unknown"),
        ("not an address", "unmatched - - no_email"),
        ("", "unmatched - - no_email"),
    ] {
        assert_eq!(outcome(&matcher, &member(email)), expected, "{email:?}");
    }
}

#[test]
fn phones_and_names_find_their_person() {
    let mut set = RuleSet::shipped();
    set.rules[4].active = true;
    set.default_countries.persons = Some("FR".parse().unwrap());
    let germany = "DE".parse().unwrap();
    set.default_countries
        .connections
        .insert("customer-de".into(), germany);
    let persons = [Person {
        first_name: Some("Zoë Anne".into()),
        last_name: Some("Müller-Lee".into()),
        phone: Some("01 42 68 53 00".into()),
        ..person("zoe", "zoe@private.example", Some("brise"))
    }];
    let matcher = matcher(set, &[company("brise", "Brise", &[])], &persons);
    let by_phone = |phone: &str| {
        let phone = Some(phone.to_owned());
        outcome(&matcher, &Member { phone, ..member("") })
    };
    let found = "matched brise zoe phone-to-person";
    assert_eq!(by_phone("+33 1 42 68 53 00"), found);
    assert_eq!(by_phone("0033142685300"), found);
    assert_eq!(by_phone("01 42 68 53 00"), "unmatched - - no_email");
    let by_name = |first: &str, last: &str| {
        let [first_name, last_name] = [first, last].map(|name| Some(name.to_owned()));
        let member = Member {
            first_name,
            last_name,
            ..member("")
        };
        outcome(&matcher, &member)
    };
    let found = "matched brise zoe full-name-to-person";
    assert_eq!(by_name("zoe anne", "muller lee"), found);
    assert_eq!(by_name("MULLER LEE", "Zoe-Anne"), found);
    assert_eq!(by_name("Zoe", "Lee"), "unmatched - - no_email");
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let condition = |field, compared_with| Condition {
        field,
        operator: Operator::Exact,
        compared_with,
    };
    let rule = Rule {
        id: "name-at-domain".into(),
        names: Target::Person,
        conditions: vec![
            condition(Field::FullName, Attribute::PersonFullName),
            condition(Field::EmailDomain, Attribute::CompanyDomain),
        ],
        when_ambiguous: WhenAmbiguous::Stop,
        active: true,
    };
    let set = RuleSet {
        rules: vec![rule],
        ..RuleSet::default()
    };
    let named = |id, company| Person {
        first_name: Some("Ann".into()),
        last_name: Some("Lee".into()),
        ..person(id, "x@y.example", Some(company))
    };
    let companies = [
        company("a", "A", &["a.example"]),
        company("b", "B", &["b.example"]),
    ];
    let matcher = matcher(set, &companies, &[named("ann-a", "a"), named("ann-b", "b")]);
    let ann = |email: &str| Member {
        first_name: Some("Ann".into()),
        last_name: Some("Lee".into()),
        ..member(email)
    };
    assert_eq!(
        outcome(&matcher, &ann("q@b.example")),
        "matched b ann-b name-at-domain"
    );
    assert_eq!(
        outcome(&matcher, &ann("q@c.example")),
        "unmatched - - domain_unknown"
    );
    assert_eq!(
        outcome(&matcher, &member("q@b.example")),
        "unmatched - - no_candidate"
    );
}

#[test]
fn a_rule_may_let_the_list_go_on_behind_an_ambiguity() {
    let mut set = RuleSet::shipped();
    set.rules[0].when_ambiguous = WhenAmbiguous::GoOn;
    let companies = [company("a", "A", &["a.example"]), company("b", "B", &[])];
    let persons = ["a.example", "c.example"].map(|domain| {
        ["a", "b"].map(|company| {
            person(
                &format!("{company}@{domain}"),
                &format!("x@{domain}"),
                Some(company),
            )
        })
    });
    let matcher = matcher(set, &companies, persons.as_flattened());
    assert_eq!(
        outcome(&matcher, &member("x@a.example")),
        "matched a - email-domain-to-company"
    );
    // None of the later rules decides, so the candidates stand.
    let ambiguous = matcher.match_one(&member("x@c.example"));
    assert_eq!(ambiguous.status, MatchStatus::Ambiguous);
    assert_eq!(ambiguous.rule.as_deref(), Some("email-to-person"));
    let ids = ambiguous
        .candidates
        .iter()
        .map(|c| c.company_external_id.as_deref());
    assert_eq!(ids.collect::<Vec<_>>(), [Some("a"), Some("b")]);
}

#[test]
fn internal_members_are_left_out_whatever_the_rules_say() {
    let mut set = RuleSet::shipped();
    set.internal_domains.insert("Ours.example".into());
    set.internal_roles.insert("Staff".into());
    let matcher = matcher(
        set,
        &[company("ours", "Ours", &["ours.example", "a.example"])],
        &[],
    );
    let by_domain = matcher.match_one(&member("x@mail.ours.example"));
    assert_eq!(
        (
            by_domain.status,
            by_domain.decided_by,
            by_domain.company_external_id
        ),
        (MatchStatus::Internal, DecidedBy::InternalDomain, None)
    );
    let by_role = matcher.match_one(&Member {
        roles: vec!["staff".into()],
        ..member("x@a.example")
    });
    assert_eq!(by_role.decided_by, DecidedBy::InternalRole);
}

#[test]
fn a_slip_in_a_typed_company_is_found_by_a_fuzzy_rule() {
    let set = RuleSet {
        rules: vec![Rule {
            id: "typed".into(),
            names: Target::Company,
            conditions: vec![Condition {
                field: Field::SelfDeclaredCompany,
                operator: Operator::Fuzzy(85.try_into().unwrap()),
                compared_with: Attribute::CompanyName,
            }],
            when_ambiguous: WhenAmbiguous::Stop,
            active: true,
        }],
        ..RuleSet::default()
    };
    let matcher = matcher(set, &[company("halden", "Halden Freight Ltd", &[])], &[]);
    let typed = |company: &str| {
        let company_custom = Some(company.to_owned());
        matcher.match_one(&Member {
            company_custom,
            ..member("")
        })
    };
    assert_eq!(
        typed("Haldn Freight GmbH").company_external_id.as_deref(),
        Some("halden")
    );
    assert_eq!(typed("Haldan Fright Haul").why_not, Some(WhyNot::NameNotFound));
}

#[test]
fn a_member_says_why_each_rule_did_what_it_did() {
    let matcher = matcher(
        RuleSet::shipped(),
        &[company("halden", "Halden", &["halden.example"])],
        &[],
    );
    let why = matcher.explain(&member("eve@uk.halden.example"));
    let results: Vec<_> = why.rules.iter().map(|rule| rule.result.clone()).collect();
    let decided = RuleResult::Decided {
        company_external_id: "halden".into(),
        person_external_id: None,
    };
    assert_eq!(
        results,
        [
            RuleResult::NoCandidate,
            decided,
            RuleResult::NotReached,
            RuleResult::NotReached,
            RuleResult::Off
        ]
    );
    assert_eq!(
        why.rules[1].values[0].compared,
        ["uk.halden.example", "halden.example"]
    );
    assert_eq!(why.outcome.values, ["halden.example"]);
    let free = matcher.explain(&member("eve@gmail.com"));
    let domain = "gmail.com".to_owned();
    assert_eq!(free.rules[1].result, RuleResult::FreeMail { domain });
    let field = Field::Phone;
    assert_eq!(free.rules[3].result, RuleResult::ValueMissing { field });
}

#[test]
fn two_of_one_external_id_and_words_that_match_nothing_are_refused() {
    let lists = Lists::shipped();
    let mut builder = Matcher::builder(RuleSet::shipped(), &lists).unwrap();
    let twins = [person("p", "a@b.example", None), person("p", "c@d.example", None)];
    builder.persons(&twins, Threads::MIN).unwrap();
    assert_eq!(builder.finish().unwrap_err(), IndexError::PersonTwice("p".into()));
    let mut set = RuleSet::shipped();
    set.internal_domains.insert("not a domain".into());
    assert!(matches!(
        Matcher::builder(set, &lists).unwrap_err(),
        UnusableRuleSet::Domain { .. }
    ));
}

#[test]
fn a_person_is_inactive_unless_another_one_with_the_address_is_not() {
    let gone = |id: &str, email: &str| Person {
        active: false,
        ..person(id, email, Some("halden"))
    };
    let persons = [
        gone("gone", "Gone@halden.example"),
        gone("twice-1", "twice@halden.example"),
        gone("twice-2", "twice@halden.example"),
        gone("before", "stays@halden.example"),
        person("now", "stays@halden.example", None),
        gone("nobody", ""),
    ];
    let matcher = matcher(RuleSet::shipped(), &[], &persons);
    for (email, expected) in [
        (" gone@HALDEN.example", &["gone"][..]),
        ("twice@halden.example", &["twice-1", "twice-2"]),
        ("stays@halden.example", &[]),
        ("", &[]),
    ] {
        assert_eq!(matcher.inactive_persons(&member(email)), expected, "{email}");
    }
}
