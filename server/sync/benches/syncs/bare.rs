//! What one would write for one tenant in an afternoon: fetch, parse, upsert. No ledger, hash, checkpoint, lease, set-aside
//! record or repeated key; the same HTTP client, the same number of pages ahead, the same SQLite.

use rusqlite::{Connection, params};
use serde_json::value::RawValue;
use tempfile::TempDir;

use crate::{
    fetching::{User, client, pass},
    usage::Watch,
};

const TABLE: &str = "CREATE TABLE member (
    userid INTEGER PRIMARY KEY, username TEXT, email TEXT, sso_id TEXT, avatar TEXT, rank_id INTEGER, rank_name TEXT,
    is_moderator INTEGER, joindate INTEGER, lastactivity INTEGER, lastvisit INTEGER, posts INTEGER, topics INTEGER,
    solved INTEGER, likes INTEGER, likes_given INTEGER, profile TEXT, badges TEXT, roles TEXT)";

const UPSERT: &str = "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (userid) DO UPDATE SET username = excluded.username, email = excluded.email, sso_id = excluded.sso_id,
    avatar = excluded.avatar, rank_id = excluded.rank_id, rank_name = excluded.rank_name,
    is_moderator = excluded.is_moderator, joindate = excluded.joindate, lastactivity = excluded.lastactivity,
    lastvisit = excluded.lastvisit, posts = excluded.posts, topics = excluded.topics, solved = excluded.solved,
    likes = excluded.likes, likes_given = excluded.likes_given, profile = excluded.profile, badges = excluded.badges,
    roles = excluded.roles";

/// Two passes over all members, a line each.
pub(crate) async fn measure(address: &str) -> String {
    let folder = TempDir::new().expect("a folder");
    let mut database = Connection::open(folder.path().join("bare.db")).expect("a database");
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        .expect("a database");
    database.execute_batch(TABLE).expect("a table");
    let client = client();
    let mut passes = Vec::new();
    for _ in 0..2 {
        let watch = Watch::start();
        pass(&client, address, async |users: &[User]| {
            upsert(&mut database, users);
        })
        .await;
        passes.push(watch.read());
    }
    passes.join("\n")
}

/// One pass that reads all pages and does nothing with them: what fetching alone takes.
pub(crate) async fn measure_fetching(address: &str) -> String {
    let watch = Watch::start();
    pass(&client(), address, async |_: &[Box<RawValue>]| ()).await;
    watch.read()
}

fn upsert(database: &mut Connection, users: &[User]) {
    let transaction = database.transaction().expect("a transaction");
    let mut statement = transaction.prepare_cached(UPSERT).expect("a statement");
    for user in users {
        let profile = serde_json::to_string(&user.related.userprofilefields).expect("JSON");
        statement
            .execute(params![
                user.userid,
                user.username,
                user.email,
                user.insided_sso_customeruid,
                user.avatar,
                user.rank_id,
                user.rank_name,
                user.is_moderator,
                user.joindate,
                user.lastactivity,
                user.lastvisit,
                user.posts,
                user.topics,
                user.solved,
                user.likes,
                user.likes_given,
                profile,
                user.related.badges.get(),
                user.related.roles.get(),
            ])
            .expect("an upsert");
    }
    drop(statement);
    transaction.commit().expect("a commit");
}
