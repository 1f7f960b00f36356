//! Any text in any field: nothing panics, what is normalised stays as it is, and nothing grows without end.

use domain::unification::{Country, Member};
use proptest::prelude::*;
use unification::{
    Lists, Matcher,
    normalise::{self, FullName, Name},
};

use crate::{
    random::Random,
    world::{LISTS, matcher},
};

/// As long as any value that is stored (bytes).
const LONG_BYTES: usize = 64 * 1024;
/// No longer is any value that is compared (bytes).
const COMPARED_MAX_BYTES: usize = 2_000;

/// What means something to some normaliser, in any place.
const PIECES: [&str; 44] = [
    "@",
    "＠",
    ".",
    "。",
    "..",
    "\"",
    "+",
    "-",
    "_",
    " ",
    "\u{a0}",
    "'",
    "´",
    "\u{149}",
    "\u{301}",
    "\u{308}",
    "\u{345}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{feff}",
    "\0",
    "\u{fffd}",
    "www.",
    "https://",
    "xn--",
    "mller-kva",
    "co.uk",
    "github.io",
    "İ",
    "ı",
    "ß",
    "ẞ",
    "Σ",
    "ё",
    "ﷺ",
    "GmbH & Co. KG",
    "株式会社",
    "株",
    "ООО ",
    "\u{1100}",
    "\u{1161}",
    "+49",
    "ext. ",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<char>().prop_map(String::from),
        4 => "[a-zA-Z0-9]{1,3}",
        6 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn country() -> impl Strategy<Value = Option<Country>> {
    prop::option::of(prop::sample::select(&["DE", "US", "IT", "ZZ"][..]))
        .prop_map(|country| country.map(|country| country.parse().expect("two letters")))
}

fn bare(text: &str) -> Name {
    let mut name = Name::new(text);
    LISTS.legal_forms().drop_from(&mut name);
    name
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_normalised_stays_as_it_is(text in text(), country in country(), other in country()) {
        if let Some(email) = normalise::email(&text) {
            prop_assert_eq!(normalise::email(&email), Some(email.clone()));
            let (_, host) = email.rsplit_once('@').expect("an address");
            prop_assert_eq!(normalise::domain(host), Some(host.into()));
        }
        if let Some(domain) = normalise::domain(&text) {
            prop_assert_eq!(normalise::domain(&domain), Some(domain.clone()));
            prop_assert!(normalise::domain_and_parents(&domain).count() <= domain.len());
            let _ = normalise::registrable_label(&domain);
        }
        if let Some(domain) = normalise::company_domain(&text) {
            prop_assert_eq!(normalise::company_domain(&domain), Some(domain.clone()));
        }
        if let Some(number) = normalise::e164(&text, country) {
            prop_assert_eq!(normalise::e164(&number, other), Some(number.clone()));
        }
        let name = Name::new(&text).joined();
        prop_assert_eq!(Name::new(&name).joined(), name.clone());
        // Something always remains of a name.
        prop_assert_eq!(bare(&text).is_empty(), name.is_empty());
    }

    #[test]
    fn a_full_name_is_one_in_either_order(first in text(), last in text()) {
        let orders = |first: &str, last: &str| {
            let mut orders = FullName::new(Some(first), Some(last))?.orders();
            orders.sort();
            Some(orders)
        };
        let parts = [&first, &last].map(|part| Name::new(part).is_empty());
        if parts == [false, false] {
            prop_assert_eq!(orders(&first, &last), orders(&last, &first));
            prop_assert!(orders(&first, &last).is_some());
        }
    }

    #[test]
    fn any_text_in_any_field_matches_or_not(texts in prop::collection::vec(text(), 8), seed in 0_u64..4) {
        let mut random = Random::new(seed);
        let [mut company] = [random.companies().remove(0)];
        let [mut person] = [random.persons().remove(0)];
        company.name.clone_from(&texts[0]);
        company.domains = vec![texts[1].clone()];
        person.email = Some(texts[2].clone());
        person.first_name = Some(texts[3].clone());
        person.last_name = Some(texts[4].clone());
        person.phone = Some(texts[5].clone());
        let member = Member {
            tenant_id: "customer-de".to_owned(),
            community_user_id: texts[6].clone(),
            username: texts[2].clone(),
            email: Some(texts[2].clone()),
            first_name: Some(texts[4].clone()),
            last_name: Some(texts[3].clone()),
            phone: Some(texts[5].clone()),
            company_custom: Some(texts[0].clone()),
            sso_id: Some(texts[7].clone()),
            roles: vec![texts[7].clone()],
        };
        let matcher = matcher(random.rule_set(), &[company], &[person]);
        prop_assert_eq!(matcher.explain(&member).outcome, matcher.match_one(&member));
    }

    #[test]
    fn any_text_in_a_list_is_used_or_refused(text in text()) {
        let mut set = Random::new(1).rule_set();
        set.internal_domains.insert(text.clone());
        let usable = normalise::company_domain(&text).is_some();
        prop_assert_eq!(Matcher::builder(set, &LISTS).is_ok(), usable);
        let mut lists = Lists::default();
        let _ = (lists.add_free_mail(&text), lists.add_legal_forms(&text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_grows_without_end(text in text(), before in text(), behind in text()) {
        let long = before + &text.repeat(LONG_BYTES / text.len().max(1)) + &behind;
        let normal = [
            normalise::email(&long),
            normalise::domain(&long).map(Into::into),
            normalise::company_domain(&long),
            normalise::e164(&long, None),
            Some(bare(&long).joined()),
        ];
        for value in normal.into_iter().flatten() {
            prop_assert!(value.len() <= COMPARED_MAX_BYTES, "{} bytes", value.len());
        }
        for order in FullName::new(Some(&long), Some(&long)).iter().flat_map(FullName::orders) {
            prop_assert!(order.len() <= COMPARED_MAX_BYTES, "{} bytes", order.len());
        }
    }
}
