//! What one would write for one tenant who knows PostgreSQL: fetch, parse, COPY into a temporary table, one upsert of it; ten
//! pages a transaction. No ledger, hash, checkpoint, lease, set-aside record or repeated key.

use std::fmt::{Display, Write as _};

use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};

use crate::{
    fetching::{User, client, pass},
    usage::Watch,
};

const TABLE: &str = "CREATE TABLE member (
    userid bigint PRIMARY KEY, username text, email text, sso_id text, avatar text, rank_id bigint, rank_name text,
    is_moderator bigint, joindate bigint, lastactivity bigint, lastvisit bigint, posts bigint, topics bigint,
    solved bigint, likes bigint, likes_given bigint, profile text, badges text, roles text)";

const ARRIVED: &str = "CREATE TEMPORARY TABLE arrived (LIKE member) ON COMMIT DELETE ROWS";

const UPSERT: &str = "INSERT INTO member SELECT * FROM arrived
    ON CONFLICT (userid) DO UPDATE SET username = excluded.username, email = excluded.email, sso_id = excluded.sso_id,
    avatar = excluded.avatar, rank_id = excluded.rank_id, rank_name = excluded.rank_name,
    is_moderator = excluded.is_moderator, joindate = excluded.joindate, lastactivity = excluded.lastactivity,
    lastvisit = excluded.lastvisit, posts = excluded.posts, topics = excluded.topics, solved = excluded.solved,
    likes = excluded.likes, likes_given = excluded.likes_given, profile = excluded.profile, badges = excluded.badges,
    roles = excluded.roles";

/// Members of a transaction: as many as the engine commits at once.
const AT_ONCE: usize = 1_000;

/// Two passes over all members, a line each.
pub(crate) async fn measure(address: &str, url: &str) -> String {
    let options: PgConnectOptions = url.parse().expect("a URL");
    let mut database = options.connect().await.expect("a database");
    for statement in [TABLE, ARRIVED] {
        sqlx::query(statement)
            .execute(&mut database)
            .await
            .expect("a table");
    }
    let client = client();
    let mut passes = Vec::new();
    for _ in 0..2 {
        let watch = Watch::start();
        let (mut rows, mut lines) = (0, String::new());
        pass(&client, address, async |users: &[User]| {
            for user in users {
                add(&mut lines, user);
            }
            rows += users.len();
            if rows >= AT_ONCE {
                upsert(&mut database, &lines).await;
                lines.clear();
                rows = 0;
            }
        })
        .await;
        upsert(&mut database, &lines).await;
        passes.push(watch.read());
    }
    passes.join("\n")
}

/// A line as COPY reads it.
fn add(lines: &mut String, user: &User) {
    let json = |value| serde_json::to_string(value).expect("JSON");
    number(lines, user.userid);
    text(lines, Some(&user.username));
    text(lines, user.email.as_deref());
    text(lines, user.insided_sso_customeruid.as_deref());
    text(lines, user.avatar.as_deref());
    number(lines, user.rank_id);
    text(lines, Some(&user.rank_name));
    for value in [
        user.is_moderator,
        user.joindate,
        user.lastactivity,
        user.lastvisit,
        user.posts,
        user.topics,
        user.solved,
        user.likes,
        user.likes_given,
    ] {
        number(lines, value);
    }
    text(lines, Some(&json(&user.related.userprofilefields)));
    text(lines, Some(user.related.badges.get()));
    text(lines, Some(user.related.roles.get()));
    lines.pop();
    lines.push('\n');
}

fn number(lines: &mut String, value: impl Display) {
    write!(lines, "{value}\t").expect("a text takes more");
}

fn text(lines: &mut String, value: Option<&str>) {
    let Some(value) = value else {
        lines.push_str("\\N\t");
        return;
    };
    for character in value.chars() {
        match character {
            '\\' => lines.push_str("\\\\"),
            '\t' => lines.push_str("\\t"),
            '\n' => lines.push_str("\\n"),
            '\r' => lines.push_str("\\r"),
            other => lines.push(other),
        }
    }
    lines.push('\t');
}

async fn upsert(database: &mut PgConnection, lines: &str) {
    let statement = |text: &'static str| sqlx::query(text);
    let begin = statement("BEGIN");
    begin.execute(&mut *database).await.expect("a transaction");
    let mut copy = database
        .copy_in_raw("COPY arrived FROM STDIN")
        .await
        .expect("a copy");
    copy.send(lines.as_bytes()).await.expect("lines");
    copy.finish().await.expect("lines that are read");
    statement(UPSERT)
        .execute(&mut *database)
        .await
        .expect("an upsert");
    statement("COMMIT")
        .execute(&mut *database)
        .await
        .expect("a commit");
}
