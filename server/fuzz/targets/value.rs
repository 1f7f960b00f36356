//! Any text as any value of a member, company or person. What is normalised is bounded, and stays as it is.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use unification::{
    Lists,
    normalise::{self, FullName, Name},
};

/// No longer is any value that is compared (bytes).
const COMPARED_MAX_BYTES: usize = 2_000;

static LISTS: LazyLock<Lists> = LazyLock::new(Lists::shipped);

fuzz_target!(|input: (&str, &str)| {
    let (text, other) = input;
    if let Some(email) = normalise::email(text) {
        stays(&email, normalise::email(&email));
    }
    if let Some(domain) = normalise::domain(text) {
        stays(&domain, normalise::domain(&domain).map(Into::into));
        assert!(normalise::domain_and_parents(&domain).count() <= domain.len());
        let _ = normalise::registrable_label(&domain);
    }
    if let Some(domain) = normalise::company_domain(text) {
        stays(&domain, normalise::company_domain(&domain));
    }
    for country in ["DE", "US", "AR"] {
        if let Some(number) = normalise::e164(text, country.parse().ok()) {
            stays(&number, normalise::e164(&number, None));
        }
    }
    let mut name = Name::new(text);
    stays(&name.joined(), Some(Name::new(&name.joined()).joined()));
    let was_empty = name.is_empty();
    LISTS.legal_forms().drop_from(&mut name);
    assert_eq!(name.is_empty(), was_empty, "something remains of a name");
    if let Some(name) = FullName::new(Some(text), Some(other)) {
        assert!(!name.orders().is_empty());
    }
});

fn stays(normal: &str, again: Option<String>) {
    assert!(normal.len() <= COMPARED_MAX_BYTES);
    assert_eq!(Some(normal), again.as_deref());
}
