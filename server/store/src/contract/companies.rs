use domain::unification::{Company, Person};

use super::{
    accounts::operator,
    fixtures::{connection_id, with_a_member},
};
use crate::{Deed, ImportMode, ImportOutcome, Store};

fn company(number: u32) -> Company {
    Company {
        external_id: format!("C-{number}"),
        name: format!("Company \"{number}\" & Söhne 🚀"),
        domains: vec![format!("company-{number}.example"), "ä.example".to_owned()],
        parent_external_id: (number > 1).then(|| "C-1".to_owned()),
    }
}

fn person(number: u32) -> Person {
    Person {
        external_id: format!("P-{number}"),
        email: Some(format!("Person.{number}@company.example")),
        first_name: Some("Zoë".to_owned()),
        last_name: Some("O'Neill".to_owned()),
        phone: Some("+49 30 1".to_owned()),
        company_external_id: Some("C-1".to_owned()),
        active: !number.is_multiple_of(2),
    }
}

fn outcome(new: u64, updated: u64, unchanged: u64) -> ImportOutcome {
    ImportOutcome {
        new,
        updated,
        unchanged,
    }
}

async fn sweep_due(store: &dyn Store) -> bool {
    let due = store.matching_due().await.expect("an answer");
    due.iter()
        .any(|due| due.connection_id == connection_id(1) && due.sweep_done == Some(0))
}

async fn import(store: &dyn Store, companies: &[Company], mode: ImportMode) -> ImportOutcome {
    let imported = store
        .import_companies(companies, mode, Deed::CompaniesImported, &operator(1))
        .await;
    imported.expect("an import")
}

async fn all(store: &dyn Store) -> Vec<Company> {
    store.companies(None, 10).await.expect("companies")
}

async fn revision(store: &dyn Store) -> i64 {
    store.revision().await.expect("a revision").number
}

pub async fn companies_are_imported_by_external_id(store: &dyn Store) {
    with_a_member(store, 1).await;
    let both = [company(1), company(2)];
    assert_eq!(import(store, &both, ImportMode::Try).await, outcome(2, 0, 0));
    assert!(
        all(store).await.is_empty() && !sweep_due(store).await,
        "nothing was written"
    );
    let before = revision(store).await;

    assert_eq!(import(store, &both, ImportMode::Write).await, outcome(2, 0, 0));
    assert_eq!(
        (all(store).await.as_slice(), sweep_due(store).await),
        (&both[..], true)
    );
    let after = revision(store).await;
    assert!(after > before);

    let again = import(store, &both, ImportMode::Write).await;
    assert_eq!(
        (again, revision(store).await),
        (outcome(0, 0, 2), after),
        "nothing changed"
    );
}

pub async fn companies_are_found_by_external_id(store: &dyn Store) {
    import(store, &[company(1), company(2)], ImportMode::Write).await;
    let moved = Company {
        parent_external_id: None,
        domains: Vec::new(),
        ..company(2)
    };
    let some = [moved.clone(), company(3)];
    assert_eq!(import(store, &some, ImportMode::Write).await, outcome(1, 1, 0));
    let found = async |id| store.company(id).await.expect("an answer");
    assert_eq!((found("C-2").await, found("c-2").await), (Some(moved), None));
    let second = store.companies(Some("C-1"), 1).await.expect("companies");
    assert_eq!(second[0].external_id, "C-2");
    let parents = store.company_parents().await.expect("parents");
    assert_eq!(
        parents.into_iter().collect::<Vec<_>>(),
        [("C-3".to_owned(), "C-1".to_owned())]
    );
}

pub async fn persons_are_imported_by_external_id(store: &dyn Store) {
    with_a_member(store, 1).await;
    let import = async |persons: &[Person], mode| {
        let imported = store.import_persons(persons, mode, &operator(1)).await;
        imported.expect("an import")
    };
    let plain = Person {
        external_id: "P-9".to_owned(),
        ..Person::default()
    };
    let all = [person(1), person(2), plain];
    assert_eq!(import(&all, ImportMode::Try).await.rows, outcome(3, 0, 0));
    assert_eq!(store.persons(None, 10).await.expect("persons"), []);
    assert_eq!(import(&all, ImportMode::Write).await.rows, outcome(3, 0, 0));
    assert_eq!(store.persons(None, 10).await.expect("persons"), all);
    assert!(sweep_due(store).await);
    let left = Person {
        active: true,
        email: None,
        ..person(2)
    };
    let some = [person(1), left.clone()];
    assert_eq!(import(&some, ImportMode::Write).await.rows, outcome(0, 1, 1));
    assert_eq!(store.person("P-2").await.expect("an answer"), Some(left));
    assert_eq!(store.person("P-3").await.expect("an answer"), None);
    assert_eq!(store.persons(Some("P-2"), 10).await.expect("persons").len(), 1);
}
