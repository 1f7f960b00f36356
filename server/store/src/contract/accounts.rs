use domain::{Account, AccountId, Role};
use uuid::Uuid;

use super::fixtures::at;
use crate::{
    Actor, AddAccountError, By, ChangeAccountError, Credentials, NewAccount, NewSetUp, SetUp, Store,
    TokenHash, UseSetUp, UseSetUpError,
};

pub(super) fn account_id(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(0xacc_0000 + number))
}

pub(super) fn token(text: &str) -> TokenHash {
    TokenHash(text.to_owned())
}

pub(super) fn operator(seconds: i64) -> By {
    By {
        actor: Actor::Operator,
        origin: Some("user root".into()),
        at: at(seconds),
    }
}

pub(super) fn nobody(seconds: i64) -> By {
    By {
        actor: Actor::Nobody,
        origin: Some("198.51.100.7".into()),
        at: at(seconds),
    }
}

pub(super) fn new_account(number: u128, role: Role) -> NewAccount {
    NewAccount {
        id: account_id(number),
        email: format!("person-{number}@company.example"),
        role,
        password_hash: Some(format!("hash-{number}")),
    }
}

pub(super) async fn add_account(store: &dyn Store, number: u128, role: Role) -> AccountId {
    let new = new_account(number, role);
    store.add_account(&new, &operator(0)).await.expect("an account");
    new.id
}

fn account(number: u128, role: Role) -> Account {
    Account {
        id: account_id(number),
        email: format!("person-{number}@company.example"),
        role,
        set_up: true,
        signs_on: false,
        disabled_at: None,
        created_at: at(0),
    }
}

pub(super) async fn offer(store: &dyn Store, account: Option<AccountId>, text: &str) {
    let new = NewSetUp {
        account,
        token: token(text),
        expires_at: at(1000),
    };
    store.offer_set_up(&new, &operator(1)).await.expect("a link");
}

async fn good_for(store: &dyn Store, text: &str, seconds: i64) -> Option<SetUp> {
    store.set_up(&token(text), at(seconds)).await.expect("an answer")
}

pub async fn accounts_are_listed_by_address_and_added_once(store: &dyn Store) {
    assert_eq!(store.accounts().await.expect("accounts"), []);
    for (number, role) in [(2, Role::Csm), (1, Role::Admin)] {
        add_account(store, number, role).await;
    }
    let again = NewAccount {
        email: new_account(1, Role::Csm).email,
        ..new_account(3, Role::Csm)
    };
    let refused = store.add_account(&again, &operator(5)).await;
    assert!(
        matches!(refused, Err(AddAccountError::EmailExists)),
        "{refused:?}"
    );
    let expected = [account(1, Role::Admin), account(2, Role::Csm)];
    assert_eq!(store.accounts().await.expect("accounts"), expected);
    let credentials = |email: &'static str| async move { store.credentials(email).await.expect("an answer") };
    assert_eq!(
        credentials("person-2@company.example").await,
        Some(Credentials {
            account: account(2, Role::Csm),
            password_hash: Some("hash-2".into()),
        })
    );
    assert_eq!(credentials("nobody@company.example").await, None);
    let without = NewAccount {
        password_hash: None,
        ..new_account(4, Role::Csm)
    };
    store
        .add_account(&without, &operator(6))
        .await
        .expect("an account");
    let accounts = store.accounts().await.expect("accounts");
    assert!(!accounts[2].set_up, "{accounts:?}");
}

fn assert_spent(used: &Result<AccountId, UseSetUpError>) {
    assert!(matches!(used, Err(UseSetUpError::Spent)), "{used:?}");
}

async fn set_password_by(store: &dyn Store, text: &str, seconds: i64) -> Result<AccountId, UseSetUpError> {
    let password = UseSetUp::Password("hash anew".into());
    store.use_set_up(&token(text), &password, &nobody(seconds)).await
}

pub async fn a_link_is_good_for_a_time_and_until_there_is_a_newer_one(store: &dyn Store) {
    let id = add_account(store, 1, Role::Csm).await;
    offer(store, Some(id), "older").await;
    offer(store, Some(id), "link").await;
    assert_eq!(good_for(store, "older", 2).await, None);
    assert_spent(&set_password_by(store, "older", 2).await);
    let good = Some(SetUp::Password(account(1, Role::Csm)));
    assert_eq!(good_for(store, "link", 999).await, good);
    assert_eq!(good_for(store, "link", 1000).await, None, "it is too old then");
    assert_spent(&set_password_by(store, "link", 1000).await);
}

pub async fn a_link_is_used_once_and_for_nothing_else(store: &dyn Store) {
    let id = add_account(store, 1, Role::Csm).await;
    offer(store, Some(id), "link").await;
    let first = UseSetUp::First(new_account(9, Role::Admin));
    assert_spent(&store.use_set_up(&token("link"), &first, &nobody(2)).await);
    let used = set_password_by(store, "link", 3).await;
    assert_eq!(used.expect("a new password"), id);
    assert_spent(&set_password_by(store, "link", 4).await);
    let email = account(1, Role::Csm).email;
    let credentials = store.credentials(&email).await.expect("an answer");
    let hash = credentials.and_then(|credentials| credentials.password_hash);
    assert_eq!(hash.as_deref(), Some("hash anew"));
}

pub async fn the_first_account_is_made_by_a_link_only_once(store: &dyn Store) {
    offer(store, None, "older").await;
    offer(store, None, "first").await;
    assert_eq!(good_for(store, "older", 2).await, None);
    assert_eq!(good_for(store, "first", 2).await, Some(SetUp::FirstAccount));
    let made = |number, text: &'static str| async move {
        let first = UseSetUp::First(new_account(number, Role::Admin));
        store.use_set_up(&token(text), &first, &nobody(3)).await
    };
    assert_eq!(made(1, "first").await.expect("the first"), account_id(1));
    assert_spent(&made(2, "first").await);
    // One that was offered before somebody else made an account is good no more.
    offer(store, None, "late").await;
    assert_eq!(good_for(store, "late", 5).await, None);
    assert_spent(&made(3, "late").await);
    assert_eq!(store.accounts().await.expect("accounts").len(), 1);
}

fn assert_last_admin(changed: &Result<(), ChangeAccountError>) {
    assert!(
        matches!(changed, Err(ChangeAccountError::LastAdmin)),
        "{changed:?}"
    );
}

pub async fn the_last_active_admin_stays_one_and_may_log_in(store: &dyn Store) {
    let by = operator(2);
    let [one, other] = [
        add_account(store, 1, Role::Admin).await,
        add_account(store, 2, Role::Admin).await,
    ];
    add_account(store, 3, Role::Csm).await;
    let disabled = |id, disabled| store.set_disabled(id, disabled, &by);
    disabled(one, true).await.expect("there is another");
    assert_last_admin(&disabled(other, true).await);
    assert_last_admin(&store.set_role(other, Role::Csm, &by).await);
    let states = store.accounts().await.expect("accounts");
    let states = states.iter().map(|account| (account.role, account.disabled_at));
    assert_eq!(
        states.collect::<Vec<_>>(),
        [(Role::Admin, Some(at(2))), (Role::Admin, None), (Role::Csm, None),]
    );
    // Who may not log in does not count, and loses their role like anyone else.
    store.set_role(one, Role::Csm, &by).await.expect("a role");
    store.set_role(one, Role::Admin, &by).await.expect("a role");
    disabled(one, false).await.expect("enabled");
    store
        .set_role(other, Role::Csm, &by)
        .await
        .expect("there is another");
    assert_last_admin(&disabled(one, true).await);
}
