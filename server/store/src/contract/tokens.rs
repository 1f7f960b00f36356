//! What programs show to be let in.

use domain::{ApiToken, Role, Scope, TokenId, TokenState};
use uuid::Uuid;

use super::{
    accounts::{account_id, add_account, nobody, operator, token},
    fixtures::at,
};
use crate::{Actor, By, Chain, NewToken, Store, TOKEN_KEPT};

fn token_id(number: u128) -> TokenId {
    TokenId(Uuid::from_u128(0x70ce_0000 + number))
}

fn new_token(number: u128, scopes: &[Scope]) -> NewToken {
    NewToken {
        id: token_id(number),
        hash: token(&format!("hash-{number}")),
        name: format!("program {number}"),
        scopes: scopes.to_vec(),
        expires_at: at(1000),
    }
}

async fn add(store: &dyn Store, number: u128, by: &By) {
    let new = new_token(number, &[Scope::Read]);
    store.add_token(&new, by).await.expect("a token");
}

async fn stored(store: &dyn Store, number: u128) -> Option<ApiToken> {
    let hash = token(&format!("hash-{number}"));
    store.token(&hash).await.expect("an answer")
}

async fn state(store: &dyn Store, number: u128, seconds: i64) -> Option<TokenState> {
    let found = stored(store, number).await;
    found.map(|found| found.state(at(seconds)))
}

async fn deeds(store: &dyn Store) -> Vec<(String, Option<String>)> {
    let entries = store.audit_after(0, 100).await.expect("entries");
    entries
        .into_iter()
        .map(|entry| (entry.deed, entry.target))
        .collect()
}

fn admin(number: u128, seconds: i64) -> By {
    By {
        actor: Actor::Account(account_id(number)),
        ..nobody(seconds)
    }
}

pub async fn a_token_is_found_by_its_hash_and_says_what_became_of_it(store: &dyn Store) {
    assert_eq!(store.tokens().await.expect("tokens"), []);
    let new = new_token(1, &[Scope::Read, Scope::Sync]);
    store.add_token(&new, &operator(5)).await.expect("a token");
    let expected = ApiToken {
        id: token_id(1),
        name: "program 1".into(),
        scopes: vec![Scope::Read, Scope::Sync],
        made_by: None,
        suspended: false,
        created_at: at(5),
        expires_at: at(1000),
        last_used_at: None,
        revoked_at: None,
    };
    assert_eq!(stored(store, 1).await, Some(expected.clone()));
    assert_eq!(stored(store, 2).await, None);
    add(store, 2, &operator(6)).await;
    let listed = store.tokens().await.expect("tokens");
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1], expected, "the latest one comes first");
    assert_eq!(state(store, 1, 999).await, Some(TokenState::Active));
    assert_eq!(state(store, 1, 1000).await, Some(TokenState::Expired));
}

pub async fn the_last_use_of_a_token_is_written_once_a_minute(store: &dyn Store) {
    add(store, 1, &operator(0)).await;
    let mut written = Vec::new();
    for seconds in [10, 69, 70, 60] {
        store
            .token_used(token_id(1), at(seconds))
            .await
            .expect("an answer");
        let token = stored(store, 1).await.expect("the token");
        written.push(token.last_used_at);
    }
    let expected = [10, 10, 70, 70].map(|seconds| Some(at(seconds)));
    assert_eq!(written, expected);
    assert_eq!(deeds(store).await.len(), 1, "a use is no change");
}

pub async fn a_token_is_good_for_nothing_while_its_maker_is_no_admin(store: &dyn Store) {
    let maker = add_account(store, 1, Role::Admin).await;
    add_account(store, 2, Role::Admin).await;
    add(store, 1, &admin(1, 1)).await;
    let made_by = stored(store, 1).await.and_then(|token| token.made_by);
    assert_eq!(made_by, Some(maker));
    let mut states = vec![state(store, 1, 2).await];
    for disabled in [true, false] {
        let changed = store.set_disabled(maker, disabled, &operator(3)).await;
        changed.expect("a change");
        states.push(state(store, 1, 4).await);
    }
    let changed = store.set_role(maker, Role::Csm, &operator(5)).await;
    changed.expect("a change");
    states.push(state(store, 1, 6).await);
    let (active, suspended) = (Some(TokenState::Active), Some(TokenState::Suspended));
    assert_eq!(states, [active, suspended, active, suspended]);
}

pub async fn a_token_is_revoked_once(store: &dyn Store) {
    add(store, 1, &operator(0)).await;
    let revoke = |number, seconds| async move {
        let revoked = store.revoke_token(token_id(number), &operator(seconds)).await;
        revoked.expect("an answer")
    };
    assert!(!revoke(9, 1).await, "there is no such token");
    assert!(revoke(1, 2).await);
    assert!(revoke(1, 3).await);
    let token = stored(store, 1).await.expect("the token");
    assert_eq!(token.revoked_at, Some(at(2)), "it is over since the first time");
    assert_eq!(token.state(at(2)), TokenState::Revoked);
    let target = format!("token {}", token_id(1));
    assert_eq!(
        deeds(store).await,
        [
            ("token_added".to_owned(), Some(format!("{target} for read"))),
            ("token_revoked".to_owned(), Some(target)),
        ]
    );
}

pub async fn tokens_are_forgotten_a_while_after_their_end(store: &dyn Store) {
    for number in 1..=2 {
        add(store, number, &operator(0)).await;
    }
    let revoked = store.revoke_token(token_id(1), &operator(10)).await;
    assert!(revoked.expect("an answer"));
    let mut left = Vec::new();
    for seconds in [9, 10, 999, 1000] {
        store.sweep_tokens(at(seconds) + TOKEN_KEPT).await.expect("swept");
        left.push(store.tokens().await.expect("tokens").len());
    }
    assert_eq!(left, [2, 1, 1, 0]);
}

pub async fn what_a_program_does_is_in_the_trail_under_its_token(store: &dyn Store) {
    let program = By {
        actor: Actor::Token(token_id(7)),
        ..nobody(3)
    };
    add(store, 1, &operator(1)).await;
    let revoked = store.revoke_token(token_id(1), &program).await;
    assert!(revoked.expect("an answer"));
    let entries = store.audit_after(0, 100).await.expect("entries");
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.token_id, entry.account_id))
        .collect();
    assert_eq!(
        told,
        [("operator", None, None), ("token", Some(token_id(7)), None)]
    );
    let mut chain = Chain::default();
    for entry in &entries {
        chain.check(entry).expect("an untouched chain");
    }
}
