use domain::{Role, TokenId};

use super::{
    accounts::{account_id, add_account, nobody, offer, operator},
    fixtures::at,
};
use crate::{Actor, AuditFilter, By, Chain, Deed, Store};

pub async fn changes_of_accounts_are_in_the_trail_and_its_chain_holds(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    offer(store, Some(account), "link").await;
    let admin = By {
        actor: Actor::Account(account_id(7)),
        ..nobody(3)
    };
    store
        .set_role(account, Role::Admin, &admin)
        .await
        .expect("a role");
    store
        .log_in_failed(Some(account), &nobody(4))
        .await
        .expect("noted");
    store.log_in_failed(None, &nobody(4)).await.expect("noted");
    add_account(store, 2, Role::Admin).await;
    store.set_disabled(account, true, &admin).await.expect("disabled");
    let entries = store.audit_after(0, 100).await.expect("entries");
    let told: Vec<(u64, &str, &str, Option<&str>)> = entries
        .iter()
        .map(|entry| {
            let (actor, deed) = (entry.actor.as_str(), entry.deed.as_str());
            (entry.number, actor, deed, entry.target.as_deref())
        })
        .collect();
    let target = format!("account {account}");
    let (as_csm, to_admin) = (format!("{target} as csm"), format!("{target} to admin"));
    let another = format!("account {} as admin", account_id(2));
    assert_eq!(
        told,
        [
            (1, "operator", "account_added", Some(as_csm.as_str())),
            (2, "operator", "set_up_offered", Some(target.as_str())),
            (3, "account", "role_changed", Some(to_admin.as_str())),
            (4, "nobody", "log_in_failed", Some(target.as_str())),
            (5, "nobody", "log_in_failed", None),
            (6, "operator", "account_added", Some(another.as_str())),
            (7, "account", "account_disabled", Some(target.as_str())),
        ]
    );
    assert_eq!(entries[2].account_id, Some(account_id(7)));
    assert_eq!(
        (entries[2].at, entries[2].origin.as_deref()),
        (at(3), Some("198.51.100.7"))
    );
    let mut chain = Chain::default();
    for entry in &entries {
        chain.check(entry).expect("an untouched chain");
    }
    assert_eq!(chain.checked(), 7);
}

pub async fn the_trail_is_read_from_either_end(store: &dyn Store) {
    for seconds in 0..5 {
        store
            .note(Deed::LogInFailed, None, &operator(seconds))
            .await
            .expect("noted");
    }
    let numbers = |entries: Vec<crate::AuditEntry>| {
        let numbers = entries.iter().map(|entry| entry.number);
        numbers.collect::<Vec<_>>()
    };
    let after = |number, limit| async move { store.audit_after(number, limit).await.expect("entries") };
    let before = |number, limit| async move {
        let all = AuditFilter::default();
        let found = store.audit_found_before(&all, number, limit).await;
        found.expect("entries")
    };
    assert_eq!(numbers(after(2, 2).await), [3, 4]);
    assert_eq!(numbers(before(None, 2).await), [5, 4]);
    assert_eq!(numbers(before(Some(4), 9).await), [3, 2, 1]);
    assert_eq!(numbers(before(Some(1), 9).await), [0_u64; 0]);
}

pub async fn the_trail_is_narrowed_to_a_deed_and_to_whoever_did_it(store: &dyn Store) {
    let (jane, token) = (
        Actor::Account(account_id(7)),
        Actor::Token(TokenId(account_id(8).0)),
    );
    let done = [
        (jane, Deed::LoggedIn),
        (Actor::Operator, Deed::LoggedIn),
        (jane, Deed::RunQueued),
        (token, Deed::RunQueued),
        (Actor::Nobody, Deed::LogInFailed),
        (Actor::Account(account_id(9)), Deed::LoggedIn),
    ];
    for (actor, deed) in done {
        let by = By { actor, ..operator(1) };
        store.note(deed, None, &by).await.expect("noted");
    }
    let asked = [
        (None, None, vec![1, 2, 3, 4, 5, 6]),
        (Some(Deed::LoggedIn), None, vec![1, 2, 6]),
        (None, Some(jane), vec![1, 3]),
        (None, Some(token), vec![4]),
        (None, Some(Actor::Operator), vec![2]),
        (None, Some(Actor::Nobody), vec![5]),
        (Some(Deed::RunQueued), Some(jane), vec![3]),
        (Some(Deed::TrailCut), None, vec![]),
    ];
    for (deed, actor, expected) in asked {
        let filter = AuditFilter { deed, actor };
        let numbers = |entries: Vec<crate::AuditEntry>| entries.iter().map(|entry| entry.number).collect();
        let oldest = store.audit_found_after(&filter, 0, 100).await.expect("entries");
        let mut newest: Vec<u64> = numbers(
            store
                .audit_found_before(&filter, None, 100)
                .await
                .expect("entries"),
        );
        newest.reverse();
        let found = store.audit_found(&filter).await.expect("a count");
        assert_eq!(found, expected.len() as u64, "{filter:?}");
        assert_eq!(
            (numbers(oldest), newest),
            (expected.clone(), expected),
            "{filter:?}"
        );
    }
    let logged_in = AuditFilter {
        deed: Some(Deed::LoggedIn),
        actor: None,
    };
    let next = store.audit_found_after(&logged_in, 1, 1).await.expect("entries");
    let before = store
        .audit_found_before(&logged_in, Some(6), 1)
        .await
        .expect("entries");
    assert_eq!(next, before, "the one between the first and the last");
}

pub async fn a_change_that_is_refused_leaves_no_entry(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    let again = super::accounts::new_account(1, Role::Admin);
    store
        .add_account(&again, &operator(2))
        .await
        .expect_err("it is there");
    store
        .set_role(account, Role::Csm, &operator(3))
        .await
        .expect("its role");
    store
        .set_disabled(account_id(9), true, &operator(4))
        .await
        .expect_err("there is no such account");
    let last = add_account(store, 2, Role::Admin).await;
    store
        .set_role(last, Role::Csm, &operator(5))
        .await
        .expect_err("it is the last admin");
    assert_eq!(store.audit_after(0, 100).await.expect("entries").len(), 2);
}
