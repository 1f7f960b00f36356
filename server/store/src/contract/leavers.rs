use chrono::{DateTime, Utc};
use domain::{
    ConnectionId, Stream,
    record::{Record, User},
    unification::{self, LeftBecause, Match, Person, RuleSet},
};
use uuid::Uuid;

use super::{
    accounts::operator,
    erasure::with_salt,
    fixtures::{Started, at, page_of, started},
};
use crate::{
    Bounce, DuePage, Erasure, ErasureRequest, FormerlyLeft, ImportMode, ImportOutcome, LEFT_BY_RULE, Leaving,
    Left, MatchCommit, MatchesWritten, MemberTie, NewMatch, RuleChange, Stays, Store,
};

const ANN: &str = "ann@halden.example";

fn bounce(email: &str, seconds: Option<i64>) -> Bounce {
    Bounce {
        email: email.to_owned(),
        bounced_at: seconds.map(at),
    }
}

async fn import(store: &dyn Store, bounces: &[Bounce], mode: ImportMode) -> ImportOutcome {
    let imported = store.import_bounces(bounces, mode, &operator(1)).await;
    imported.expect("an import").rows
}

fn outcome(new: u64, updated: u64, unchanged: u64) -> ImportOutcome {
    ImportOutcome {
        new,
        updated,
        unchanged,
    }
}

async fn revision(store: &dyn Store) -> i64 {
    store.revision().await.expect("a revision").number
}

async fn bounced(store: &dyn Store) -> Vec<(String, DateTime<Utc>)> {
    let emails = [ANN.to_owned(), "nobody@halden.example".to_owned()];
    let bounces = store.bounces(&emails).await.expect("an answer");
    bounces.into_iter().collect()
}

pub async fn bounces_are_tried_and_written(store: &dyn Store) {
    started(store, 1).await;
    let both = [bounce(ANN, Some(5)), bounce("b@halden.example", Some(6))];
    assert_eq!(import(store, &both, ImportMode::Try).await, outcome(2, 0, 0));
    let bounced = || bounced(store);
    assert_eq!(bounced().await, [], "nothing was written");
    let before = revision(store).await;
    assert_eq!(import(store, &both, ImportMode::Write).await, outcome(2, 0, 0));
    assert_eq!(bounced().await, [(ANN.to_owned(), at(5))]);
    let after = revision(store).await;
    assert!(after > before, "members are matched anew");
}

pub async fn the_first_bounce_of_an_address_stands_until_mail_is_delivered_again(store: &dyn Store) {
    started(store, 1).await;
    import(store, &[bounce(ANN, Some(5))], ImportMode::Write).await;
    let bounced = || bounced(store);
    let before = revision(store).await;
    let later = [bounce(ANN, Some(9)), bounce("no@mail.example", None)];
    assert_eq!(import(store, &later, ImportMode::Write).await, outcome(0, 0, 2));
    assert_eq!(
        (bounced().await, revision(store).await),
        (vec![(ANN.to_owned(), at(5))], before)
    );
    let earlier = [bounce(ANN, Some(2))];
    assert_eq!(import(store, &earlier, ImportMode::Write).await, outcome(0, 1, 0));
    assert_eq!(bounced().await, [(ANN.to_owned(), at(2))]);
    let delivered = [bounce(ANN, None)];
    assert_eq!(
        import(store, &delivered, ImportMode::Write).await,
        outcome(0, 1, 0)
    );
    assert_eq!(bounced().await, []);
}

pub async fn a_person_is_inactive_since_the_first_time(store: &dyn Store) {
    started(store, 1).await;
    let import = async |active, first_name: &str, seconds| {
        let person = Person {
            external_id: "P-1".to_owned(),
            first_name: Some(first_name.to_owned()),
            active,
            ..Person::default()
        };
        let imported = store
            .import_persons(&[person], ImportMode::Write, &operator(seconds))
            .await;
        imported.expect("an import");
        let since = store.inactive_since(&["P-1".to_owned(), "P-2".to_owned()]).await;
        since.expect("an answer").get("P-1").copied()
    };
    assert_eq!(import(true, "Ann", 1).await, None);
    assert_eq!(import(false, "Ann", 2).await, Some(at(2)));
    assert_eq!(
        import(false, "Anna", 3).await,
        Some(at(2)),
        "not since its last change"
    );
    assert_eq!(import(true, "Anna", 4).await, None);
    assert_eq!(import(false, "Anna", 5).await, Some(at(5)));
}

/// One member, who was matched once.
async fn with_member(store: &dyn Store) -> Started {
    let started = started(store, 1).await;
    let change = RuleChange {
        by: "an admin".to_owned(),
        at: at(0),
        why: None,
        effect: None,
    };
    store
        .apply_rules(0, &RuleSet::shipped(), &change, None)
        .await
        .expect("rules");
    let user = Record::User(Box::new(User {
        community_user_id: "1".to_owned(),
        username: "ann".to_owned(),
        email: Some(ANN.to_owned()),
        ..User::default()
    }));
    let commit = page_of(started.connection, Stream::Users, vec![user]);
    store.commit_page(&started.lease, &commit).await.expect("a page");
    say_by_rule(store, started.connection, None, 2).await;
    started
}

/// Members who have no match so far.
fn unmatched(page: &DuePage) -> Vec<NewMatch> {
    let new = page.members.iter().filter(|due| due.before.is_none());
    new.map(|due| NewMatch {
        community_user_id: due.member.community_user_id.clone(),
        outcome: Match::default(),
    })
    .collect()
}

/// Writes what is due, with what the rules say of the member.
async fn say_by_rule(
    store: &dyn Store,
    connection: ConnectionId,
    left: Option<unification::Left>,
    seconds: i64,
) {
    while let Some(page) = store.members_due(connection, 10).await.expect("an answer") {
        let leaving = Leaving {
            community_user_id: "1".to_owned(),
            left,
        };
        let commit = MatchCommit {
            connection_id: connection,
            changed: unmatched(&page),
            page,
            leaving: vec![leaving],
            revision: store.revision().await.expect("a revision"),
            at: at(seconds),
        };
        let written = store.write_matches(None, commit).await.expect("an answer");
        assert!(matches!(written, MatchesWritten::Yes { .. }));
    }
}

/// Makes the member due without changing anything.
async fn due_again(store: &dyn Store, connection: ConnectionId) {
    let kept = store.set_link(connection, "1", None, &operator(2)).await;
    assert!(kept.expect("an answer"));
}

async fn tie(store: &dyn Store, connection: ConnectionId) -> MemberTie {
    let tie = store.member_tie(connection, "1", 10).await;
    tie.expect("an answer").expect("the member")
}

async fn counted(store: &dyn Store, connection: ConnectionId) -> u64 {
    let counts = store.match_counts(connection).await.expect("counts");
    counts.total()
}

fn sign(because: LeftBecause, seconds: i64) -> unification::Left {
    unification::Left {
        since: at(seconds),
        because,
    }
}

pub async fn members_leave_and_come_back_by_the_rules(store: &dyn Store) {
    let of = with_member(store).await.connection;
    let bounced = sign(LeftBecause::EmailBounced, 3);
    due_again(store, of).await;
    say_by_rule(store, of, Some(bounced), 4).await;
    let now = tie(store, of).await;
    let left = Left {
        because: LeftBecause::EmailBounced,
        reason: LeftBecause::EmailBounced.label().to_owned(),
        by: LEFT_BY_RULE.to_owned(),
        at: at(3),
    };
    assert_eq!((now.due.left, now.due.counts), (Some(bounced), false));
    assert_eq!((now.left, now.formerly_left), (Some(left.clone()), Vec::new()));

    // An earlier sign is another one.
    let inactive = sign(LeftBecause::PersonInactive, 1);
    due_again(store, of).await;
    say_by_rule(store, of, Some(inactive), 5).await;
    assert_eq!(tie(store, of).await.due.left, Some(inactive));
    due_again(store, of).await;
    say_by_rule(store, of, None, 6).await;
    let now = tie(store, of).await;
    assert_eq!((now.due.left, now.due.counts), (None, true));
    let before = FormerlyLeft {
        left: Left {
            because: LeftBecause::PersonInactive,
            reason: LeftBecause::PersonInactive.label().to_owned(),
            at: at(1),
            ..left
        },
        until: at(6),
    };
    assert_eq!(now.formerly_left, [before]);
}

fn stays() -> Stays {
    Stays {
        reason: "A full mailbox".to_owned(),
        by: "an admin".to_owned(),
        at: at(5),
    }
}

pub async fn an_admin_who_says_that_a_member_stays_stands_above_the_rules(store: &dyn Store) {
    let of = with_member(store).await.connection;
    let stays = stays();
    let bounced = Some(sign(LeftBecause::EmailBounced, 3));
    due_again(store, of).await;
    say_by_rule(store, of, bounced, 4).await;
    assert!(
        store
            .set_stays(of, "1", Some(&stays), &operator(5))
            .await
            .expect("an answer")
    );
    assert!(
        !store
            .set_stays(of, "9", Some(&stays), &operator(5))
            .await
            .expect("an answer"),
        "nobody"
    );
    // Decided before the admin spoke, written after.
    say_by_rule(store, of, bounced, 6).await;
    let now = tie(store, of).await;
    assert_eq!((now.due.stays, now.due.counts, now.left), (true, true, None));
    assert_eq!((now.stays, now.formerly_left.len()), (Some(stays.clone()), 1));
    assert_eq!(counted(store, of).await, 1);
}

pub async fn what_an_admin_says_of_leaving_stands_above_the_rules(store: &dyn Store) {
    let of = with_member(store).await.connection;
    let bounced = Some(sign(LeftBecause::EmailBounced, 3));
    let left = Left {
        because: LeftBecause::ByHand,
        reason: "Wrote so".to_owned(),
        by: "an admin".to_owned(),
        at: at(7),
    };
    let kept = store.set_left(of, "1", Some(&left), &operator(7)).await;
    assert!(kept.expect("an answer"));
    for by_rule in [None, bounced] {
        due_again(store, of).await;
        say_by_rule(store, of, by_rule, 8).await;
        let now = tie(store, of).await;
        assert_eq!(
            (now.left, now.stays, now.due.stays),
            (Some(left.clone()), None, false)
        );
    }
    assert_eq!(counted(store, of).await, 0);
    let kept = store.set_left(of, "1", None, &operator(9)).await;
    assert!(kept.expect("an answer"));
    let now = tie(store, of).await;
    assert_eq!((now.left, now.formerly_left[0].left.clone()), (None, left));
    assert_eq!(now.formerly_left[0].until, at(9));
}

pub async fn what_an_admin_said_of_leaving_can_be_left_to_the_rules_again(store: &dyn Store) {
    let of = with_member(store).await.connection;
    let bounced = Some(sign(LeftBecause::EmailBounced, 3));
    assert!(
        store
            .set_stays(of, "1", Some(&stays()), &operator(5))
            .await
            .expect("an answer")
    );
    assert!(
        store
            .set_stays(of, "1", None, &operator(9))
            .await
            .expect("an answer")
    );
    say_by_rule(store, of, bounced, 10).await;
    assert_eq!(tie(store, of).await.due.left, bounced, "the rules decide again");
}

pub async fn the_bounces_of_an_erased_person_are_forgotten_and_stay_out(store: &dyn Store) {
    with_salt(store).await;
    started(store, 1).await;
    let both = [bounce(ANN, Some(5)), bounce("b@halden.example", Some(6))];
    import(store, &both, ImportMode::Write).await;
    let request = ErasureRequest {
        id: Uuid::from_u128(1),
        email: ANN.to_owned(),
        at: at(7),
    };
    let erased = store.erase(&request, &operator(9)).await.expect("an erasure");
    assert!(matches!(erased, Erasure::Done(_)), "{erased:?}");
    let known = async || {
        let emails = both.clone().map(|bounce| bounce.email);
        let bounces = store.bounces(&emails).await.expect("an answer");
        bounces.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(known().await, ["b@halden.example"]);
    let again = store
        .import_bounces(&both, ImportMode::Write, &operator(1))
        .await
        .expect("an import");
    assert_eq!((again.kept_out, again.rows), (1, outcome(0, 0, 1)));
    assert_eq!(known().await, ["b@halden.example"]);
}
