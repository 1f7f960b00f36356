use domain::{Account, AccountId, Role};

use super::{
    accounts::{account_id, add_account, new_account, nobody, token},
    fixtures::at,
    sessions::{begin, by, disable, is_good, new_session},
};
use crate::{Identity, NewSession, SignOn, SignOnError, Store};

fn identity(subject: &str) -> Identity {
    Identity {
        issuer: "https://id.example".into(),
        subject: subject.into(),
    }
}

/// Somebody with the address of this account, who gets this one if none is theirs.
fn who(subject: &str, number: u128) -> SignOn {
    SignOn {
        identity: identity(subject),
        email: new_account(number, Role::Csm).email,
        email_verified: Some(true),
        role: Role::Csm,
        id: account_id(number),
    }
}

async fn sign_on(store: &dyn Store, who: &SignOn) -> Result<Account, SignOnError> {
    store.sign_on(who, &nobody(20)).await
}

async fn signed_on(store: &dyn Store, who: &SignOn) -> Account {
    sign_on(store, who).await.expect("signed on")
}

async fn account_of(store: &dyn Store, subject: &str) -> Option<AccountId> {
    let found = store.account_of(&identity(subject)).await.expect("an answer");
    found.map(|account| account.id)
}

async fn deeds(store: &dyn Store) -> Vec<(String, Option<String>)> {
    let entries = store.audit_after(0, 100).await.expect("entries");
    entries
        .into_iter()
        .map(|entry| (entry.deed, entry.target))
        .collect()
}

pub async fn whoever_signs_on_first_has_an_account_from_then_on(store: &dyn Store) {
    assert_eq!(account_of(store, "jane").await, None);
    let account = signed_on(store, &who("jane", 1)).await;
    let expected = Account {
        id: account_id(1),
        email: "person-1@company.example".into(),
        role: Role::Csm,
        set_up: false,
        signs_on: true,
        disabled_at: None,
        created_at: at(20),
    };
    assert_eq!(account, expected);
    assert_eq!(account_of(store, "jane").await, Some(account_id(1)));
    // Under another address, later: the same person.
    let renamed = SignOn {
        email: "renamed@company.example".into(),
        id: account_id(2),
        ..who("jane", 1)
    };
    assert_eq!(signed_on(store, &renamed).await, expected);
    assert_eq!(store.accounts().await.expect("accounts"), [expected]);
    let target = |more: &str| Some(format!("account {}{more}", account_id(1)));
    assert_eq!(
        deeds(store).await,
        [
            ("account_added".to_owned(), target(" as csm")),
            ("account_tied".to_owned(), target("")),
        ]
    );
}

pub async fn an_account_is_tied_by_an_address_that_the_provider_has_verified(store: &dyn Store) {
    let id = add_account(store, 1, Role::Csm).await;
    for email_verified in [None, Some(false)] {
        let unverified = SignOn {
            email_verified,
            ..who("jane", 1)
        };
        let refused = sign_on(store, &unverified).await;
        assert!(matches!(refused, Err(SignOnError::Unverified)), "{refused:?}");
    }
    assert_eq!(account_of(store, "jane").await, None);
    let theirs = SignOn {
        id: account_id(9),
        ..who("jane", 1)
    };
    let account = signed_on(store, &theirs).await;
    assert_eq!((account.id, account.signs_on, account.set_up), (id, true, true));
    // Once tied, the address does not matter.
    let unverified = SignOn {
        email_verified: None,
        ..theirs
    };
    assert_eq!(signed_on(store, &unverified).await, account);
    let last = deeds(store).await.pop();
    assert_eq!(
        last,
        Some(("account_tied".to_owned(), Some(format!("account {id}"))))
    );
}

pub async fn an_address_that_the_provider_denies_makes_no_account(store: &dyn Store) {
    let denied = SignOn {
        email_verified: Some(false),
        ..who("jane", 1)
    };
    let refused = sign_on(store, &denied).await;
    assert!(matches!(refused, Err(SignOnError::Unverified)), "{refused:?}");
    assert_eq!(store.accounts().await.expect("accounts"), []);
    assert_eq!(deeds(store).await, []);
    let unsaid = SignOn {
        email_verified: None,
        ..denied
    };
    assert_eq!(signed_on(store, &unsaid).await.id, account_id(1));
}

pub async fn an_address_that_was_given_to_somebody_else_does_not_give_the_account(store: &dyn Store) {
    signed_on(store, &who("jane", 1)).await;
    let successor = SignOn {
        id: account_id(2),
        ..who("john", 1)
    };
    let refused = sign_on(store, &successor).await;
    assert!(matches!(refused, Err(SignOnError::AnotherPerson)), "{refused:?}");
    // Another provider took the place of the first: what that one said counts no more.
    let moved = SignOn {
        identity: Identity {
            issuer: "https://new.example".into(),
            subject: "4711".into(),
        },
        ..successor
    };
    assert_eq!(signed_on(store, &moved).await.id, account_id(1));
    assert_eq!(account_of(store, "jane").await, None);
}

pub async fn the_provider_says_the_role_with_each_sign_on(store: &dyn Store) {
    let account = signed_on(store, &who("jane", 1)).await.id;
    begin(store, 1, account, 21).await;
    assert_eq!(signed_on(store, &who("jane", 1)).await.role, Role::Csm);
    assert!(is_good(store, "token-1", 22).await, "nothing has changed");
    let promoted = SignOn {
        role: Role::Admin,
        ..who("jane", 1)
    };
    assert_eq!(signed_on(store, &promoted).await.role, Role::Admin);
    assert!(
        !is_good(store, "token-1", 22).await,
        "a session of the former role is over"
    );
    let last = deeds(store).await.pop();
    let target = Some(format!("account {account} to admin"));
    assert_eq!(last, Some(("role_changed".to_owned(), target)));
}

pub async fn the_last_active_admin_is_not_let_in_as_a_csm(store: &dyn Store) {
    let admin = SignOn {
        role: Role::Admin,
        ..who("jane", 1)
    };
    let account = signed_on(store, &admin).await.id;
    begin(store, 1, account, 21).await;
    let before = deeds(store).await;
    let refused = sign_on(store, &who("jane", 1)).await;
    assert!(matches!(refused, Err(SignOnError::LastAdmin)), "{refused:?}");
    assert!(is_good(store, "token-1", 22).await, "nothing has changed");
    assert_eq!(deeds(store).await, before);
    add_account(store, 2, Role::Admin).await;
    assert_eq!(signed_on(store, &who("jane", 1)).await.role, Role::Csm);
}

pub async fn a_disabled_account_is_not_signed_on_to(store: &dyn Store) {
    signed_on(store, &who("jane", 1)).await;
    add_account(store, 2, Role::Csm).await;
    assert!(disable(store, 1, true, 30).await);
    assert!(disable(store, 2, true, 30).await);
    let before = deeds(store).await;
    for mut who in [who("jane", 1), who("john", 2)] {
        who.role = Role::Admin;
        let refused = sign_on(store, &who).await;
        assert!(matches!(refused, Err(SignOnError::Disabled)), "{refused:?}");
    }
    assert_eq!(deeds(store).await, before);
    let accounts = store.accounts().await.expect("accounts");
    assert!(accounts.iter().all(|account| account.role == Role::Csm));
    assert_eq!(account_of(store, "john").await, None);
}

pub async fn an_account_that_is_enabled_again_is_signed_on_to(store: &dyn Store) {
    let tied = signed_on(store, &who("jane", 1)).await.id;
    assert!(disable(store, 1, true, 30).await);
    assert!(disable(store, 1, false, 40).await);
    assert_eq!(signed_on(store, &who("jane", 1)).await.id, tied);
}

pub async fn a_session_remembers_that_the_provider_let_them_in(store: &dyn Store) {
    let account = signed_on(store, &who("jane", 1)).await.id;
    let new = NewSession {
        signed_on: Some("v2.sealed".into()),
        ..new_session(1, account)
    };
    assert!(
        store
            .begin_session(&new, &[], &by(account, 21))
            .await
            .expect("an answer")
    );
    begin(store, 2, account, 22).await;
    let found = store.session(&token("token-1"), at(23)).await.expect("an answer");
    let (session, account) = found.expect("the session");
    assert!(account.signs_on);
    assert_eq!(session.signed_on.as_deref(), Some("v2.sealed"));
    let listed = store.sessions(None, at(23)).await.expect("sessions");
    let signed_on: Vec<bool> = listed.iter().map(|session| session.signed_on.is_some()).collect();
    assert_eq!(signed_on, [false, true]);
}
