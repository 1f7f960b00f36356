//! No table is forgotten when a person is erased.

use sqlx::{Connection as _, SqliteConnection};
use store_sqlite::SqliteStore;

/// Tables that an erasure reaches.
const REACHED: [&str; 16] = [
    "community_activity",
    "community_content",
    "community_user",
    "email_bounce",
    "invalid_record",
    "match_due",
    "member_left",
    "member_left_history",
    "member_link",
    "member_match",
    "member_match_history",
    "member_stays",
    "party_change",
    "person",
    "run",
    "ticket_member",
];

/// Tables that hold no person, with the reason.
const WITHOUT_PERSONS: [(&str, &str); 30] = [
    ("_sqlx_migrations", "the database's versions"),
    (
        "account",
        "who may log in, which is the operator's to say; no members",
    ),
    (
        "api_token",
        "what programs show, hashed, and what the operator calls it",
    ),
    ("audit_cut", "a number and a hash"),
    ("audit_entry", "ids alone"),
    ("community_category", "the community's own words"),
    ("community_idea_status", "the community's own words"),
    ("community_trend", "counts"),
    ("company", "the names of companies"),
    ("connection", "what the operator typed"),
    ("erased_member", "keyed hashes"),
    ("erasure", "keyed hashes"),
    ("erasure_count", "counts"),
    ("installation_secret", "sealed"),
    (
        "match_all_due",
        "how far a pass is, by a member's id, until it is over",
    ),
    (
        "match_sweep_due",
        "how far a sweep is, by a member's id, until it is over",
    ),
    ("known_device", "browsers of those who log in, hashed"),
    ("log_in_try", "hashes and counts, for a day"),
    ("object_count", "counts"),
    ("rule_set", "rules"),
    ("rule_set_use", "who changed them, by the account's name"),
    ("run_page", "ids that a run has met, compacted, until it is over"),
    ("run_stream", "counts"),
    ("session", "of those who log in"),
    ("set_up_link", "hashes of tokens for those who log in"),
    ("ticket", "who made it, and what was filtered by"),
    ("ticket_post", "who posted it, and what was answered"),
    ("trend_day_due", "days"),
    ("unification", "versions"),
    ("watermark", "times"),
];

#[tokio::test]
async fn every_table_is_reached_by_an_erasure_or_holds_no_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tributary.db");
    SqliteStore::open(&path).await.expect("a database").close().await;
    let url = format!("sqlite://{}", path.display());
    let mut program = SqliteConnection::connect(&url).await.expect("the file");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .fetch_all(&mut program)
    .await
    .expect("tables");
    let without = WITHOUT_PERSONS.iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = REACHED.into_iter().chain(without).collect();
    known.sort_unstable();
    assert_eq!(
        tables, known,
        "a new table: let store-sqlite's erasure reach it, or say here why it holds no person"
    );
}
