//! Companies and people of the installation, and a member without a company.

use app::{
    companies::{
        place::{CompanyPlace, Listed, LookUp},
        view::{
            CompanyMember, CompanyRow, CompanyView, EngagementView, FiguresView, FoundRows, LookUpView,
            PersonRow, SubsidiariesView, SubsidiaryRow, TopicView,
        },
    },
    error::AppError,
    unification::{
        place::{MemberKey, TicketPlace, UsersPlace},
        view::{
            CompanyName, FormerView, FormerlyLeftView, LeftView, LinkRow, LinksView, MemberName, MemberView,
            PostFailureView, PostView, SaidView, Selection, TicketRow, TicketUser, TicketView, TicketsView,
            UserRow, UsersView,
        },
    },
};
use chrono::Days;
use domain::{
    Owner,
    unification::{
        Candidate, CauseGroup, Company, ComparedValue, DecidedBy, Explanation, Field, LeftBecause, Match,
        MatchStatus, RuleOutcome, RuleResult, RuleSet, WhyNot,
    },
};

use super::{
    installation::{at, connection_name},
    unification::head,
};

fn name(external_id: &str, name: &str) -> CompanyName {
    CompanyName {
        external_id: external_id.to_owned(),
        name: name.to_owned(),
    }
}

fn member_name(username: &str) -> MemberName {
    MemberName {
        tenant_id: "customer-de".to_owned(),
        community_user_id: "912".to_owned(),
        username: username.to_owned(),
    }
}

pub(crate) fn look_up(query: LookUp) -> LookUpView {
    let rows = match query.listed {
        _ if query.text == "nothing" => FoundRows::Companies(Vec::new()),
        Listed::Companies => FoundRows::Companies(vec![CompanyRow {
            company: name("C-1", "Halden <b>Freight</b>"),
            domains: vec!["haldenfreight.example".to_owned(), "halden.example".to_owned()],
            parent_external_id: Some("C-0".to_owned()),
            members: 63,
        }]),
        Listed::People => FoundRows::People(vec![PersonRow {
            external_id: "P-1".to_owned(),
            full_name: "Zoë O'Neill".to_owned(),
            email: Some("zoe@halden.example".to_owned()),
            phone: None,
            company_external_id: Some("C-1".to_owned()),
            active: false,
        }]),
    };
    LookUpView {
        total: u64::from(query.text != "nothing"),
        rows,
        query,
        companies: 1204,
        people: 9311,
    }
}

pub(crate) fn company(place: &CompanyPlace) -> Result<CompanyView, AppError> {
    if place.external_id != "C-1" {
        return Err(AppError::NotFound {
            what: "This company".to_owned(),
        });
    }
    Ok(CompanyView {
        as_of: at(23, 7, 42, 10),
        company: Company {
            external_id: "C-1".to_owned(),
            name: "Halden Freight".to_owned(),
            domains: vec!["haldenfreight.example".to_owned()],
            parent_external_id: Some("C-0".to_owned()),
        },
        parent: Some(name("C-0", "Halden Group")),
        circle: Vec::new(),
        engagement: engagement(place),
        subsidiaries: Some(subsidiaries()),
        members: vec![CompanyMember {
            member: member_name("dispo_nord"),
            email: Some("dispo@halden.example".to_owned()),
            decided_by: DecidedBy::Hand,
            rule: None,
            posts: 4,
            replies: 17,
            ideas: 2,
            views: None,
            last_active_at: Some(at(23, 5, 0, 0)),
        }],
        members_total: 63,
        page: place.page,
    })
}

fn figures(members: u64, of_one: u64) -> FiguresView {
    FiguresView {
        members,
        active: 2 * of_one,
        posts: of_one,
        replies: 4 * of_one,
        ideas: of_one / 2,
        views: 160 * of_one,
    }
}

fn engagement(place: &CompanyPlace) -> EngagementView {
    let days = place.period.days();
    let last = at(23, 0, 0, 0).date_naive();
    let topic = |title: &str, subtype: &str, href: Option<&str>| TopicView {
        tenant_id: "customer-de".to_owned(),
        title: title.to_owned(),
        subtype: subtype.to_owned(),
        href: href.map(str::to_owned),
        author: Some("dispo_nord".to_owned()),
        posted_at: at(18, 9, 0, 0),
        replies: 12,
        votes: 42,
        idea_status: (subtype == "idea").then(|| "Discussion ongoing".to_owned()),
    };
    EngagementView {
        now: figures(63, 20),
        before: figures(63, 18),
        communities: 3,
        without_views: vec!["partners-en".to_owned()],
        read_at: vec![
            ("customer-de".to_owned(), Some(at(23, 2, 14, 0))),
            ("customer-en".to_owned(), Some(at(23, 3, 0, 0))),
            ("partners-en".to_owned(), Some(at(20, 2, 30, 0))),
        ],
        views_by_day: (0..days)
            .rev()
            .map(|back| (last - Days::new(u64::from(back)), u64::from(back % 7) * 30))
            .collect(),
        topics: vec![
            topic(
                "Sort <b>depots</b> by distance",
                "product_update",
                Some("https://community.example/t/1"),
            ),
            topic("Second currency in reports", "question", None),
        ],
        ideas: vec![topic("Export a shipment plan as CSV", "idea", None)],
        idea_statuses: vec![(Some("Discussion ongoing".to_owned()), 3), (None, 1)],
    }
}

fn subsidiaries() -> SubsidiariesView {
    let row = |id: &str, of: &str, members, of_one| SubsidiaryRow {
        company: name(id, of),
        figures: Some(figures(members, of_one)),
    };
    SubsidiariesView {
        own: figures(63, 20),
        rows: vec![row("C-2", "Halden Rail", 11, 6), row("C-3", "Halden Sea", 0, 0)],
        all: Some(figures(74, 26)),
    }
}

fn outcomes() -> Vec<RuleOutcome> {
    let candidate = |company: &str| Candidate {
        company_external_id: Some(company.to_owned()),
        person_external_id: None,
    };
    let results = [
        RuleResult::NoCandidate,
        RuleResult::Ambiguous {
            candidates: vec![candidate("C-1"), candidate("C-2")],
            went_on: true,
        },
        RuleResult::FreeMail {
            domain: "mail.example".to_owned(),
        },
        RuleResult::ValueMissing { field: Field::Phone },
        RuleResult::Off,
    ];
    let set = RuleSet::shipped();
    (1..)
        .zip(set.rules.iter().zip(results))
        .map(|(position, (rule, result))| RuleOutcome {
            rule: rule.id.clone(),
            position,
            sentence: rule.to_string(),
            values: vec![ComparedValue {
                field: Field::Email,
                given: Some("Lager@Halden.example".to_owned()),
                compared: vec!["lager@halden.example".to_owned()],
            }],
            result,
        })
        .collect()
}

pub(crate) fn member(key: &MemberKey) -> Result<MemberView, AppError> {
    if key.community_user_id != "912" {
        return Err(AppError::NotFound {
            what: "This member".to_owned(),
        });
    }
    Ok(MemberView {
        as_of: at(23, 7, 42, 10),
        member: member_name("lager_<b>hb</b>"),
        full_name: Some("Ada Lager".to_owned()),
        email: Some("Lager@Halden.example".to_owned()),
        deleted_at: None,
        status: MatchStatus::Ambiguous,
        decided_by: DecidedBy::Rule,
        rule: Some("email-domain-to-company".to_owned()),
        company: None,
        person_external_id: None,
        decided_at: Some(at(22, 2, 20, 0)),
        explanation: Explanation {
            outcome: Match {
                status: MatchStatus::Ambiguous,
                decided_by: DecidedBy::Rule,
                why_not: Some(WhyNot::Ambiguous),
                ..Match::default()
            },
            rules: outcomes(),
        },
        names: vec![name("C-1", "Halden Freight"), name("C-2", "Halden Rail")],
        said: None,
        ticket: Some(2),
        left: Some(LeftView {
            because: LeftBecause::EmailBounced,
            said: SaidView {
                reason: "Email bounced".to_owned(),
                by: "rules".to_owned(),
                at: at(20, 9, 0, 0),
            },
        }),
        stays: None,
        formerly_left: vec![FormerlyLeftView {
            left: LeftView {
                because: LeftBecause::ByHand,
                said: SaidView {
                    reason: "Out of <b>office</b>".to_owned(),
                    by: "admin@customer.example".to_owned(),
                    at: at(3, 9, 0, 0),
                },
            },
            until: at(5, 10, 30, 0),
        }],
        history: vec![FormerView {
            status: MatchStatus::Matched,
            decided_by: DecidedBy::Rule,
            rule: Some("email-domain-to-company".to_owned()),
            rule_version: 13,
            company: Some(name("C-1", "Halden Freight")),
            from: at(2, 8, 5, 0),
            until: at(22, 2, 20, 0),
        }],
    })
}

pub(crate) fn users(place: &UsersPlace) -> UsersView {
    let nobody = place.filter.domain.as_deref() == Some("nowhere.example");
    let row = |username: &str, email: Option<&str>| UserRow {
        member: member_name(username),
        email: email.map(str::to_owned),
        cause: WhyNot::DomainUnknown,
        ticket: email.is_none().then_some(2),
        rules: outcomes(),
    };
    UsersView {
        as_of: at(23, 7, 42, 10),
        head: head(),
        causes: vec![
            (WhyNot::FreeMail, 9204),
            (WhyNot::DomainUnknown, 6870),
            (WhyNot::Ambiguous, 611),
            (WhyNot::UnlinkedByHand, 12),
        ],
        groups: groups(),
        more_groups: !place.every_group,
        rules: RuleSet::shipped(),
        rows: if nobody {
            Vec::new()
        } else {
            vec![
                row("<b>yard-ops-17</b>", Some("yard17@kestrel-haul.example")),
                row("quai_14", None),
            ]
        },
        total: if nobody { 0 } else { 6870 },
        connections: (1..=4).map(connection_name).collect(),
        rematching: None,
    }
}

fn groups() -> Vec<CauseGroup> {
    let group = |cause, domain: &str, members| CauseGroup {
        cause,
        domain: Some(domain.to_owned()),
        members,
    };
    vec![
        group(WhyNot::DomainUnknown, "kestrel-haul.example", 212),
        group(WhyNot::Ambiguous, "halden.example", 41),
    ]
}

/// Nobody is left of some.
pub(crate) fn create_ticket(selection: &Selection) -> Result<i64, AppError> {
    if selection.filter.domain.as_deref() == Some("nowhere.example") {
        return Err(AppError::Refused {
            what: "None of these users is without a company any more.".to_owned(),
            next_action: "Look at the list again, and choose others. Nothing was written.".to_owned(),
        });
    }
    // One ticket for all of a filter, another for those that were ticked.
    Ok(match &selection.only {
        None => 2,
        Some(only) => i64::try_from(100 + only.len()).expect("a page of them"),
    })
}

fn ticket_row(number: i64) -> TicketRow {
    TicketRow {
        number,
        by: "admin@customer.example".to_owned(),
        at: at(22, 16, 40, 0),
        rule_version: 14,
        selection: "tenant customer-de, cause domain_unknown".to_owned(),
        users: 253,
        open: 41,
    }
}

pub(crate) fn tickets(page: u32) -> TicketsView {
    TicketsView {
        as_of: at(23, 7, 42, 10),
        head: head(),
        rows: if page == 1 {
            vec![ticket_row(2), ticket_row(1)]
        } else {
            Vec::new()
        },
        total: 2,
        page,
    }
}

/// The second was posted twice, and taken the second time; of the first nothing was sent.
pub(crate) fn ticket(place: TicketPlace) -> Result<TicketView, AppError> {
    if !(1..=2).contains(&place.number) {
        return Err(AppError::NotFound {
            what: "This ticket".to_owned(),
        });
    }
    let failed = PostView {
        by: "admin@customer.example".to_owned(),
        at: at(22, 16, 41, 0),
        status: Some(503),
        failure: Some(PostFailureView {
            cause: "The receiver did not take it (503).".to_owned(),
            owner: Owner::You,
            next_action: "Post it again in a while. If it stays, ask whoever runs the receiver.".to_owned(),
        }),
    };
    let taken = PostView {
        at: at(22, 16, 50, 0),
        status: Some(202),
        failure: None,
        ..failed.clone()
    };
    let user = |username: &str, open| TicketUser {
        member: member_name(username),
        email: Some("yard17@kestrel-haul.example".to_owned()),
        cause: WhyNot::DomainUnknown,
        domain: Some("kestrel-haul.example".to_owned()),
        open,
    };
    Ok(TicketView {
        as_of: at(23, 7, 42, 10),
        ticket: ticket_row(place.number),
        groups: groups(),
        rows: vec![user("<b>yard-ops-17</b>", true), user("quai_14", false)],
        page: place.page,
        document: "# T-2: 253 members without a company\n\n| `<b>yard-ops-17</b>` |\n".to_owned(),
        mail_link: "mailto:?subject=T-2&body=Version%2014%20of%20the%20rules.".to_owned(),
        webhook: Some("desk.example".to_owned()),
        posts: if place.number == 2 {
            vec![taken, failed]
        } else {
            vec![failed]
        },
    })
}

pub(crate) fn links(page: u32) -> LinksView {
    let row = |username: &str, company: Option<CompanyName>| LinkRow {
        member: member_name(username),
        email: Some("lager@halden.example".to_owned()),
        company,
        said: SaidView {
            reason: "They <b>told</b> us".to_owned(),
            by: "admin@customer.example".to_owned(),
            at: at(21, 9, 12, 0),
        },
    };
    LinksView {
        as_of: at(23, 7, 42, 10),
        head: head(),
        rows: if page == 1 {
            vec![
                row("lager_hb", Some(name("C-1", "Halden Freight"))),
                row("guest", None),
            ]
        } else {
            Vec::new()
        },
        total: 86,
        page,
    }
}
