use super::{
    accounts::operator,
    fixtures::{add_connection, connection_id, new_connection, sealed_secret},
};
use crate::{Resealed, SealedSecret, Store};

fn secret_of(number: u128) -> SealedSecret {
    let new = new_connection(number);
    SealedSecret {
        connection_id: new.connection.id,
        tenant_id: new.connection.tenant_id,
        sealed: new.sealed_secret,
    }
}

pub async fn sealed_secrets_are_paged_by_connection(store: &dyn Store) {
    for number in [3, 1, 2] {
        add_connection(store, number).await;
    }
    let page = |after, limit| async move { store.sealed_secrets(after, limit).await.expect("secrets") };
    assert_eq!(page(None, 2).await, [secret_of(1), secret_of(2)]);
    assert_eq!(page(Some(connection_id(2)), 2).await, [secret_of(3)]);
    assert_eq!(page(Some(connection_id(3)), 2).await, []);
}

pub async fn a_secret_is_sealed_anew_unless_it_changed_meanwhile(store: &dyn Store) {
    for number in [1, 2, 3] {
        add_connection(store, number).await;
    }
    let anew = |number: u128, before: &str| Resealed {
        connection_id: connection_id(number),
        before: before.into(),
        after: format!("anew-{number}"),
    };
    let some = [anew(1, "sealed-1"), anew(2, "of before"), anew(9, "sealed-9")];
    let replaced = store.reseal(&some, &operator(1)).await;
    assert_eq!(replaced.expect("an answer"), 1);
    let none = store.reseal(&[], &operator(1)).await;
    assert_eq!(none.expect("an answer"), 0);
    for (number, expected) in [(1, "anew-1"), (2, "sealed-2"), (3, "sealed-3")] {
        let kept = sealed_secret(store, connection_id(number)).await;
        assert_eq!(kept.as_deref(), Some(expected));
    }
}

pub async fn a_secret_of_the_installation_is_kept_once_and_sealed_anew(store: &dyn Store) {
    let kept = |name| async move { store.installation_secret(name).await.expect("an answer") };
    assert_eq!(kept("salt").await, None);
    for attempt in ["first", "second"] {
        let kept = store.keep_installation_secret("salt", attempt).await;
        assert_eq!(kept.expect("an answer"), "first");
    }
    let reseal = |before, after| async move {
        let replaced = store
            .reseal_installation_secret("salt", before, after, &operator(1))
            .await;
        replaced.expect("an answer")
    };
    assert!(!reseal("second", "third").await);
    assert!(reseal("first", "third").await);
    assert_eq!(kept("salt").await.as_deref(), Some("third"));
    assert_eq!(kept("pepper").await, None);
}
