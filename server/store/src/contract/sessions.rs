use chrono::TimeDelta;
use domain::{AccountId, Role, SessionId};
use uuid::Uuid;

use super::{
    accounts::{account_id, add_account, new_account, nobody, offer, operator, token},
    fixtures::at,
};
use crate::{
    Actor, Bucket, By, ChangeAccountError, DEVICE_KEPT, Ending, NewSession, SESSION_AGE_MAX,
    SESSION_IDLE_MAX, Session, Store, TRIES_KEPT, Tried, WAIT_FIRST, WAIT_MAX,
};

const HOUR_S: i64 = 3600;

fn session_id(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x5e5_0000 + number))
}

pub(super) fn new_session(number: u128, account: AccountId) -> NewSession {
    NewSession {
        id: session_id(number),
        account,
        password_hash: None,
        token: token(&format!("token-{number}")),
        device: token(&format!("device-{number}")),
        former_device: None,
        address: "198.51.100.7".into(),
        browser: "Browser \"1\" 🦊".into(),
        signed_on: None,
    }
}

pub(super) fn by(account: AccountId, seconds: i64) -> By {
    By {
        actor: Actor::Account(account),
        ..nobody(seconds)
    }
}

pub(super) async fn begin(store: &dyn Store, number: u128, account: AccountId, seconds: i64) {
    let new = new_session(number, account);
    let began = store.begin_session(&new, &[], &by(account, seconds)).await;
    assert!(began.expect("an answer"));
}

pub(super) async fn is_good(store: &dyn Store, text: &str, seconds: i64) -> bool {
    let found = store.session(&token(text), at(seconds)).await;
    found.expect("an answer").is_some()
}

pub async fn a_session_is_found_by_its_token_until_it_is_idle_or_old(store: &dyn Store) {
    let account = add_account(store, 1, Role::Admin).await;
    begin(store, 1, account, 10).await;
    let (session, owner) = store
        .session(&token("token-1"), at(20))
        .await
        .expect("an answer")
        .expect("the session");
    let expected = Session {
        id: session_id(1),
        account,
        began_at: at(10),
        confirmed_at: at(10),
        last_seen_at: at(10),
        address: "198.51.100.7".into(),
        browser: "Browser \"1\" 🦊".into(),
        signed_on: None,
    };
    assert_eq!((session, owner.role), (expected, Role::Admin));
    assert!(!is_good(store, "token-2", 20).await);

    let idle = 10 + SESSION_IDLE_MAX.num_seconds();
    assert!(is_good(store, "token-1", idle - 1).await);
    assert!(!is_good(store, "token-1", idle).await);
    let age = 10 + SESSION_AGE_MAX.num_seconds();
    for seen in (HOUR_S..age).step_by(11 * 3600) {
        store.session_seen(session_id(1), at(seen)).await.expect("seen");
    }
    // An older request that comes late does not set it back.
    store.session_seen(session_id(1), at(11)).await.expect("seen");
    assert!(is_good(store, "token-1", age - 1).await);
    assert!(!is_good(store, "token-1", age).await, "however busy it is");
    assert_eq!(store.sessions(None, at(age)).await.expect("sessions"), []);
}

async fn listed(store: &dyn Store, of: Option<AccountId>, seconds: i64) -> Vec<SessionId> {
    let sessions = store.sessions(of, at(seconds)).await.expect("sessions");
    sessions.into_iter().map(|session| session.id).collect()
}

async fn end(store: &dyn Store, number: u128, only_of: Option<AccountId>) -> bool {
    let ended = store
        .end_session(session_id(number), only_of, Ending::Ended, &operator(30))
        .await;
    ended.expect("an answer")
}

pub async fn sessions_are_listed_latest_first(store: &dyn Store) {
    let one = add_account(store, 1, Role::Admin).await;
    let other = add_account(store, 2, Role::Csm).await;
    begin(store, 1, one, 11).await;
    begin(store, 2, other, 12).await;
    begin(store, 3, one, 13).await;
    assert_eq!(listed(store, None, 20).await, [3, 2, 1].map(session_id));
    assert_eq!(listed(store, Some(one), 20).await, [3, 1].map(session_id));
}

pub async fn a_session_is_ended_by_its_owner_or_for_anyone(store: &dyn Store) {
    let one = add_account(store, 1, Role::Admin).await;
    let other = add_account(store, 2, Role::Csm).await;
    begin(store, 1, one, 11).await;
    begin(store, 2, other, 12).await;
    assert!(!end(store, 2, Some(one)).await, "it is another's");
    assert!(is_good(store, "token-2", 31).await);
    assert!(end(store, 2, None).await);
    assert!(end(store, 1, Some(one)).await);
    assert!(!end(store, 1, Some(one)).await, "it is over");
    assert!(
        !is_good(store, "token-1", 31).await,
        "a stolen token is worth nothing then"
    );
    assert_eq!(listed(store, None, 31).await, []);
}

pub async fn a_confirmed_session_goes_on_under_another_token(store: &dyn Store) {
    let account = add_account(store, 1, Role::Admin).await;
    begin(store, 1, account, 10).await;
    let tried = [bucket("confirming", 1, false)];
    let left = |seconds| {
        let tried = tried.clone();
        async move { store.try_log_in(&tried, at(seconds)).await.expect("an answer") }
    };
    assert_eq!(left(40).await, Tried::Allowed { left: 0 });
    let confirm = |number| {
        let (anew, by, tried) = (token("token anew"), by(account, 40), &tried);
        async move {
            store
                .confirm_session(session_id(number), &anew, tried, &by)
                .await
                .expect("an answer")
        }
    };
    assert!(!confirm(2).await, "there is no such session");
    assert!(matches!(left(40).await, Tried::BlockedUntil(_)));
    assert!(confirm(1).await);
    assert_eq!(left(40).await, Tried::Allowed { left: 0 }, "tries are forgotten");
    assert!(!is_good(store, "token-1", 41).await);
    let (session, _) = store
        .session(&token("token anew"), at(41))
        .await
        .expect("an answer")
        .expect("the session");
    assert_eq!((session.began_at, session.confirmed_at), (at(10), at(40)));
}

pub(super) async fn disable(store: &dyn Store, number: u128, disabled: bool, seconds: i64) -> bool {
    let changed = store
        .set_disabled(account_id(number), disabled, &operator(seconds))
        .await;
    match changed {
        Ok(()) => true,
        Err(ChangeAccountError::Unknown) => false,
        Err(error) => panic!("{error}"),
    }
}

pub async fn a_disabled_account_loses_its_sessions_and_links_at_once(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    begin(store, 1, account, 10).await;
    offer(store, Some(account), "link").await;
    assert!(disable(store, 1, true, 20).await);
    assert!(!is_good(store, "token-1", 21).await);
    assert!(!is_offered(store, 21).await);
}

pub async fn whoever_was_about_to_log_in_when_disabled_does_not(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    assert!(disable(store, 1, true, 20).await);
    let late = store
        .begin_session(&new_session(2, account), &[], &by(account, 22))
        .await;
    assert!(!late.expect("an answer"));
}

pub async fn an_account_that_is_enabled_again_logs_in_anew(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    begin(store, 1, account, 10).await;
    assert!(disable(store, 1, true, 20).await);
    assert!(disable(store, 1, false, 30).await);
    assert!(
        !is_good(store, "token-1", 31).await,
        "what was ended does not come back"
    );
    begin(store, 3, account, 32).await;
}

pub async fn another_role_ends_sessions(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    begin(store, 1, account, 10).await;
    let set = |role| async move {
        let changed = store.set_role(account, role, &operator(20)).await;
        changed.expect("its role");
    };
    set(Role::Csm).await;
    assert!(is_good(store, "token-1", 21).await);
    set(Role::Admin).await;
    assert!(!is_good(store, "token-1", 21).await);
    assert_eq!(store.accounts().await.expect("accounts")[0].role, Role::Admin);
    let unknown = store.set_role(account_id(9), Role::Csm, &operator(22)).await;
    assert!(matches!(unknown, Err(ChangeAccountError::Unknown)), "{unknown:?}");
}

pub async fn a_new_password_ends_sessions_and_links_and_forgets_browsers(store: &dyn Store) {
    let (account, other) = (
        add_account(store, 1, Role::Csm).await,
        add_account(store, 2, Role::Csm).await,
    );
    begin(store, 1, account, 10).await;
    begin(store, 2, other, 10).await;
    offer(store, Some(account), "link").await;
    let old = NewSession {
        password_hash: new_account(1, Role::Csm).password_hash,
        ..new_session(3, account)
    };
    store
        .set_password(account, "hash anew", &operator(20))
        .await
        .expect("a new password");
    assert!(!is_good(store, "token-1", 21).await);
    assert!(is_good(store, "token-2", 21).await);
    assert_eq!(
        store.set_up(&token("link"), at(21)).await.expect("an answer"),
        None
    );
    let known = store.is_known_device(&token("device-1"), account, at(21)).await;
    assert!(!known.expect("an answer"));
    let began = store.begin_session(&old, &[], &by(account, 22)).await;
    assert!(
        !began.expect("an answer"),
        "it was checked against the old password"
    );
    let anew = NewSession {
        password_hash: Some("hash anew".into()),
        ..old
    };
    let began = store.begin_session(&anew, &[], &by(account, 23)).await;
    assert!(began.expect("an answer"));
}

pub async fn a_browser_is_known_as_one_persons_and_for_a_time(store: &dyn Store) {
    let (account, other) = (
        add_account(store, 1, Role::Csm).await,
        add_account(store, 2, Role::Csm).await,
    );
    begin(store, 1, account, 10).await;
    let known = |device: &'static str, account, seconds| async move {
        let known = store.is_known_device(&token(device), account, at(seconds)).await;
        known.expect("an answer")
    };
    assert!(known("device-1", account, 11).await);
    assert!(!known("device-1", other, 11).await);
    assert!(!known("device-1", account, 10 + DEVICE_KEPT.num_seconds()).await);
    let again = NewSession {
        former_device: Some(token("device-1")),
        ..new_session(2, account)
    };
    store
        .begin_session(&again, &[], &by(account, 20))
        .await
        .expect("an answer");
    assert!(known("device-2", account, 21).await);
    assert!(!known("device-1", account, 21).await, "it has a new name now");
}

fn bucket(name: &str, free: u32, shared: bool) -> Bucket {
    Bucket {
        name: name.into(),
        free,
        shared,
    }
}

pub async fn tries_are_counted_together_and_forgotten_with_a_success(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    let buckets = [bucket("own", 2, false), bucket("shared", 5, true)];
    let tried = |buckets: Vec<Bucket>, seconds| async move {
        store.try_log_in(&buckets, at(seconds)).await.expect("an answer")
    };
    assert_eq!(tried(buckets.to_vec(), 0).await, Tried::Allowed { left: 1 });
    assert_eq!(tried(buckets.to_vec(), 0).await, Tried::Allowed { left: 0 });
    let until = at(0) + WAIT_FIRST;
    assert_eq!(tried(buckets.to_vec(), 1).await, Tried::BlockedUntil(until));
    // What is blocked is not counted: the wait does not grow by asking.
    assert_eq!(tried(buckets.to_vec(), 29).await, Tried::BlockedUntil(until));
    assert_eq!(
        tried(vec![buckets[1].clone()], 29).await,
        Tried::Allowed { left: 2 }
    );
    assert_eq!(tried(buckets.to_vec(), 30).await, Tried::Allowed { left: 0 });

    let began = store
        .begin_session(&new_session(1, account), &buckets, &by(account, 31))
        .await;
    assert!(began.expect("an answer"));
    assert_eq!(
        tried(vec![buckets[0].clone()], 31).await,
        Tried::Allowed { left: 1 }
    );
    // Three wrong tries are still in it, and the one that succeeded is not.
    assert_eq!(
        tried(vec![buckets[1].clone()], 31).await,
        Tried::Allowed { left: 1 }
    );
}

/// The right person is let in at once where they have logged in before, and after a wait of minutes anywhere else.
pub async fn ten_thousand_wrong_tries_lock_nobody_out(store: &dyn Store) {
    let unknown = [
        bucket("account and address", 5, false),
        bucket("address", 30, true),
    ];
    let mut allowed = 0;
    for number in 0..10_000_i64 {
        let now = at(0) + TimeDelta::milliseconds(number * 6);
        if let Tried::Allowed { .. } = store.try_log_in(&unknown, now).await.expect("an answer") {
            allowed += 1;
        }
    }
    assert!(
        allowed < 10,
        "{allowed} of 10,000 tries in a minute had their password looked at"
    );
    let known = [bucket("device", 5, false)];
    let here = store.try_log_in(&known, at(60)).await.expect("an answer");
    assert_eq!(here, Tried::Allowed { left: 4 });
    let elsewhere = store.try_log_in(&unknown, at(60) + WAIT_MAX).await;
    assert!(matches!(elsewhere.expect("an answer"), Tried::Allowed { .. }));
}

async fn is_known(store: &dyn Store, account: AccountId, seconds: i64) -> bool {
    let known = store
        .is_known_device(&token("device-1"), account, at(seconds))
        .await;
    known.expect("an answer")
}

async fn is_offered(store: &dyn Store, seconds: i64) -> bool {
    let offered = store.set_up(&token("link"), at(seconds)).await;
    offered.expect("an answer").is_some()
}

async fn sweep(store: &dyn Store, at: chrono::DateTime<chrono::Utc>) {
    store.sweep_sessions(at).await.expect("swept");
}

async fn try_once(store: &dyn Store, seconds: i64) -> Tried {
    let tries = [bucket("tries", 1, false)];
    store.try_log_in(&tries, at(seconds)).await.expect("an answer")
}

pub async fn what_is_over_is_swept(store: &dyn Store) {
    let account = add_account(store, 1, Role::Csm).await;
    begin(store, 1, account, 10).await;
    offer(store, Some(account), "link").await;
    sweep(store, at(11)).await;
    // Asked as of before: what is swept is not found then either.
    assert!(is_good(store, "token-1", 12).await, "nothing is over yet");
    assert!(is_offered(store, 12).await);
    sweep(store, at(1000) + SESSION_IDLE_MAX).await;
    assert!(!is_good(store, "token-1", 12).await);
    assert!(!is_offered(store, 12).await);
    assert!(is_known(store, account, 12).await);
    sweep(store, at(10) + DEVICE_KEPT).await;
    assert!(!is_known(store, account, 12).await);
}

pub async fn tries_are_forgotten_after_a_day(store: &dyn Store) {
    let blocked = Tried::BlockedUntil(at(10) + WAIT_FIRST);
    assert_eq!(try_once(store, 10).await, Tried::Allowed { left: 0 });
    sweep(store, at(11)).await;
    assert_eq!(try_once(store, 12).await, blocked);
    sweep(store, at(10) + TRIES_KEPT).await;
    assert_eq!(try_once(store, 12).await, Tried::Allowed { left: 0 });
}

pub async fn an_account_is_disabled_since_the_first_time(store: &dyn Store) {
    add_account(store, 1, Role::Csm).await;
    assert!(disable(store, 1, true, 20).await);
    assert!(disable(store, 1, true, 25).await);
    let accounts = store.accounts().await.expect("accounts");
    assert_eq!(accounts[0].disabled_at, Some(at(20)));
    assert!(!disable(store, 9, true, 33).await, "there is no such account");
}
