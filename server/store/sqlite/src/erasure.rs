//! Erasing a person, from every table that may hold one and from the places that rows leave behind.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io::Read,
    sync::Arc,
};

use async_trait::async_trait;
use domain::{ConnectionId, Stream, record::InvalidRecord};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqliteConnection, Transaction, sqlite::SqliteRow};
use store::{
    By, Deed, ERASED_PAYLOAD, EXPIRED_PAYLOAD, ErasedCounts, Erasure, ErasureRequest, ErasureStore,
    Leftovers, OpenSalt, Receipt, Salt, StoreError, Traces, normal_email, redact, targets, without_email,
};
use store_columns::{Columns, count, micros, runs::read_invalid};

use crate::{
    SqliteStore,
    audit::append,
    database::{SQLITE_BUSY, primary_code},
    error::database,
    matching::everything_changed,
    receipts::{receipt_of, tenants_of},
    suppression::{open_salt, remember},
    sweep::remembers_persons,
};

/// What a row of trends is counted by: its day, rounded down before 1970 too.
const DAY_US: i64 = 86_400_000_000;
/// Read at a time when a file is searched, in bytes.
const SEARCHED_BYTES: usize = 1 << 20;

/// Records that were set aside, read at a time: payloads have up to 256 KiB.
const RECORDS_AT_A_TIME: i64 = 500;

/// Texts of others in which an address may stand: table, key within the connection, column.
const TEXTS: [(&str, &str, &str); 9] = [
    ("community_content", "kind || ' ' || public_id", "title"),
    ("community_content", "kind || ' ' || public_id", "tags"),
    ("community_content", "kind || ' ' || public_id", "permalink"),
    ("community_user", "community_user_id", "profile_fields"),
    ("community_user", "community_user_id", "company_custom"),
    ("member_link", "community_user_id", "reason"),
    ("member_left", "community_user_id", "reason"),
    ("member_left_history", "CAST(id AS text)", "reason"),
    ("member_stays", "community_user_id", "reason"),
];

/// Tables with rows of members beside their own: column of the member, columns that go with it.
const LINKED: [(&str, &str, &str, &str); 2] = [
    (
        "community_content",
        "author_user_id",
        "author_user_id = NULL, author_username = NULL",
        "posted_at",
    ),
    ("community_activity", "user_id", "user_id = NULL", "occurred_at"),
];

type Counts = BTreeMap<ConnectionId, ErasedCounts>;
pub(crate) type Members = HashMap<ConnectionId, HashSet<String>>;

#[async_trait]
impl ErasureStore for SqliteStore {
    fn use_salt(&self, opener: Arc<dyn OpenSalt>) {
        self.salts.use_opener(opener);
    }

    async fn erase(&self, request: &ErasureRequest, by: &By) -> Result<Erasure, StoreError> {
        // What a row leaves behind in its page is overwritten.
        self.secure_delete("on").await?;
        let erased = self.erase_in_one(request, by).await;
        self.secure_delete("off").await?;
        erased
    }

    async fn wipe_leftovers(&self, email: &str) -> Result<Leftovers, StoreError> {
        if !self.fold_log_in().await? {
            return Ok(Leftovers::Pending);
        }
        if !self.files_hold(email).await? {
            return Ok(Leftovers::None);
        }
        let mut writer = self.writer().acquire().await.map_err(database)?;
        let written_anew = sqlx::query("VACUUM").execute(&mut *writer).await;
        drop(writer);
        match written_anew {
            Err(error) if primary_code(&error) == Some(SQLITE_BUSY) => return Ok(Leftovers::Pending),
            written_anew => written_anew.map_err(database)?,
        };
        Ok(if self.fold_log_in().await? {
            Leftovers::Removed
        } else {
            Leftovers::Pending
        })
    }
}

impl SqliteStore {
    async fn secure_delete(&self, word: &'static str) -> Result<(), StoreError> {
        let mut writer = self.writer().acquire().await.map_err(database)?;
        sqlx::query(AssertSqlSafe(format!("PRAGMA secure_delete = {word}")))
            .execute(&mut *writer)
            .await
            .map(|_| ())
            .map_err(database)
    }

    async fn erase_in_one(&self, request: &ErasureRequest, by: &By) -> Result<Erasure, StoreError> {
        let mut transaction = self.begin().await?;
        let salt = open_salt(&mut transaction, &self.salts).await?;
        let mut erasing = Erasing {
            members: members_of(&mut transaction, &request.email).await?,
            transaction,
            request,
            salt,
            counts: Counts::new(),
            days: BTreeSet::new(),
            persons: 0,
            bounced: false,
        };
        erasing.find_members_that_were_set_aside().await?;
        erasing.redact_invalid_records().await?;
        erasing.unlink().await?;
        erasing.mark_days().await?;
        erasing.delete_members().await?;
        erasing.delete_persons().await?;
        erasing.forget_bounces().await?;
        erasing.take_out_of_texts().await?;
        erasing.take_out_of_causes().await?;
        if erasing.counts.is_empty() && erasing.persons == 0 && !erasing.bounced {
            return erasing.nothing_found().await;
        }
        let receipt = erasing.leave_receipt().await?;
        let target = targets::erasure(receipt.id);
        append(&mut erasing.transaction, by, Deed::PersonErased, Some(target)).await?;
        erasing.transaction.commit().await.map_err(database)?;
        Ok(Erasure::Done(receipt))
    }

    /// Whether everything is in the main file, and the log is empty.
    async fn fold_log_in(&self) -> Result<bool, StoreError> {
        let mut writer = self.writer().acquire().await.map_err(database)?;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *writer)
            .await
            .map_err(database)?;
        let busy: i64 = row.try_get(0).map_err(database)?;
        Ok(busy == 0)
    }

    async fn files_hold(&self, email: &str) -> Result<bool, StoreError> {
        let path = self.path().to_owned();
        let needle = email.to_owned().into_bytes();
        let searched = tokio::task::spawn_blocking(move || holds(&path, &needle)).await;
        searched
            .map_err(|error| StoreError::Database(Box::new(error)))?
            .map_err(|error| StoreError::Database(Box::new(error)))
    }
}

/// Whether a file holds these bytes, in whatever case of ASCII.
fn holds(path: &std::path::Path, needle: &[u8]) -> std::io::Result<bool> {
    let mut file = std::fs::File::open(path)?;
    let mut window = Vec::with_capacity(SEARCHED_BYTES + needle.len());
    let mut piece = vec![0; SEARCHED_BYTES];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(false);
        }
        window.extend(piece[..read].iter().map(u8::to_ascii_lowercase));
        if window.windows(needle.len()).any(|part| part == needle) {
            return Ok(true);
        }
        // An address may lie across two pieces.
        let kept = window.len().saturating_sub(needle.len().saturating_sub(1));
        window.drain(..kept);
    }
}

/// Members with this address. SQL finds those that are equal in ASCII, and all that hold anything else.
pub(crate) async fn members_of(read: &mut SqliteConnection, email: &str) -> Result<Members, StoreError> {
    let rows = sqlx::query(
        "SELECT connection_id, community_user_id, email FROM community_user
         WHERE email IS NOT NULL AND (lower(trim(email)) = $1 OR email GLOB '*[^ -~]*')",
    )
    .bind(email)
    .fetch_all(read)
    .await
    .map_err(database)?;
    let mut members = Members::new();
    for row in &rows {
        if normal_email(&row.text("email")?).as_deref() == Some(email) {
            let of = members.entry(row.connection_id("connection_id")?).or_default();
            of.insert(row.text("community_user_id")?);
        }
    }
    Ok(members)
}

/// External ids of persons with this address.
pub(crate) async fn persons_of(read: &mut SqliteConnection, email: &str) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT external_id, email FROM person
         WHERE email IS NOT NULL AND (lower(trim(email)) = $1 OR email GLOB '*[^ -~]*')",
    )
    .bind(email)
    .fetch_all(read)
    .await
    .map_err(database)?;
    let mut ids = Vec::new();
    for row in &rows {
        if normal_email(&row.text("email")?).as_deref() == Some(email) {
            ids.push(row.text("external_id")?);
        }
    }
    Ok(ids)
}

struct Erasing<'e> {
    transaction: Transaction<'static, Sqlite>,
    request: &'e ErasureRequest,
    salt: &'e Salt,
    members: Members,
    counts: Counts,
    /// Of rows that lost their member.
    days: BTreeSet<(ConnectionId, i64)>,
    /// Of the customer-success database, who are gone.
    persons: u64,
    /// Whether mail to the address had come back.
    bounced: bool,
}

impl Erasing<'_> {
    fn count(&mut self, connection: ConnectionId) -> &mut ErasedCounts {
        self.counts.entry(connection).or_default()
    }

    /// A member whose record could never be stored is known by what was set aside.
    async fn find_members_that_were_set_aside(&mut self) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let some = self.invalid_records(Some(Stream::Users), after).await?;
            let Some((last, ..)) = some.last() else {
                return Ok(());
            };
            after = *last;
            for (_, connection, record) in some {
                let traces = Traces::of_invalid(&record);
                if traces.emails.contains(&self.request.email) {
                    let members = self.members.entry(connection).or_default();
                    members.extend(traces.member_ids);
                }
            }
        }
    }

    async fn redact_invalid_records(&mut self) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let some = self.invalid_records(None, after).await?;
            let Some((last, ..)) = some.last() else {
                return Ok(());
            };
            after = *last;
            for (id, connection, record) in some {
                self.redact_if_theirs(id, connection, record).await?;
            }
        }
    }

    async fn redact_if_theirs(
        &mut self,
        id: i64,
        connection: ConnectionId,
        mut record: InvalidRecord,
    ) -> Result<(), StoreError> {
        let nobody = HashSet::new();
        let members = self.members.get(&connection).unwrap_or(&nobody);
        if !Traces::of_invalid(&record).meets(&self.request.email, members) {
            return Ok(());
        }
        redact(&mut record);
        sqlx::query("UPDATE invalid_record SET name = $2, message = $3, payload = $4 WHERE id = $1")
            .bind(id)
            .bind(record.name)
            .bind(record.message)
            .bind(record.payload)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        self.count(connection).invalid_records += 1;
        Ok(())
    }

    /// Some of them, in the order of their numbers, after the given one.
    async fn invalid_records(
        &mut self,
        stream: Option<Stream>,
        after: i64,
    ) -> Result<Vec<(i64, ConnectionId, InvalidRecord)>, StoreError> {
        let rows = sqlx::query(
            "SELECT invalid_record.id, connection_id, stream, reason, name, message, payload, payload_cut,
                topic_public_id, repaired_at
             FROM invalid_record JOIN run ON run.id = run_id
             WHERE ($1 IS NULL OR stream = $1) AND payload NOT IN ($2, $3)
                AND invalid_record.id > $4
             ORDER BY invalid_record.id LIMIT $5",
        )
        .bind(stream.map(Stream::as_str))
        .bind(ERASED_PAYLOAD)
        .bind(EXPIRED_PAYLOAD)
        .bind(after)
        .bind(RECORDS_AT_A_TIME)
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(database)?;
        let record = |row: &SqliteRow| {
            Ok((
                row.int("id")?,
                row.connection_id("connection_id")?,
                read_invalid(row)?,
            ))
        };
        rows.iter().map(record).collect()
    }

    /// What members wrote and did stays, without them: it belongs to the community, and trends count it.
    async fn unlink(&mut self) -> Result<(), StoreError> {
        for (connection, member) in self.each_member() {
            for (table, column, cleared, time) in LINKED {
                let rows = sqlx::query(AssertSqlSafe(format!(
                    "SELECT rowid AS place, content_hash, {time} AS at FROM {table}
                     WHERE connection_id = $1 AND {column} = $2"
                )))
                .bind(connection.0)
                .bind(&member)
                .fetch_all(&mut *self.transaction)
                .await
                .map_err(database)?;
                for row in &rows {
                    self.unlink_row(table, cleared, row).await?;
                    self.days.insert((connection, row.int("at")?.div_euclid(DAY_US)));
                }
                let counts = self.count_if(connection, rows.len());
                match (counts, table) {
                    (Some(counts), "community_activity") => counts.activity += rows.len() as u64,
                    (Some(counts), _) => counts.content += rows.len() as u64,
                    (None, _) => {}
                }
            }
        }
        Ok(())
    }

    fn count_if(&mut self, connection: ConnectionId, found: usize) -> Option<&mut ErasedCounts> {
        (found > 0).then(|| self.count(connection))
    }

    async fn unlink_row(&mut self, table: &str, cleared: &str, row: &SqliteRow) -> Result<(), StoreError> {
        let hash = row.content_hash("content_hash")?;
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE {table} SET {cleared}, content_hash = $2 WHERE rowid = $1"
        )))
        .bind(row.int("place")?)
        .bind(self.salt.of_content(hash).0.to_vec())
        .execute(&mut *self.transaction)
        .await
        .map(|_| ())
        .map_err(database)
    }

    /// Trends by company may have counted these rows for the member's.
    async fn mark_days(&mut self) -> Result<(), StoreError> {
        for (connection, day) in std::mem::take(&mut self.days) {
            sqlx::query(
                "INSERT INTO trend_day_due (connection_id, day) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(connection.0)
            .bind(day)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        }
        Ok(())
    }

    async fn delete_members(&mut self) -> Result<(), StoreError> {
        for (connection, member) in self.each_member() {
            let standing: Option<bool> = sqlx::query_scalar(
                "DELETE FROM community_user WHERE connection_id = $1 AND community_user_id = $2
                 RETURNING deleted_at IS NULL",
            )
            .bind(connection.0)
            .bind(&member)
            .fetch_optional(&mut *self.transaction)
            .await
            .map_err(database)?;
            remember(
                &mut self.transaction,
                connection,
                &[self.salt.of_member(connection, &member)],
            )
            .await?;
            let Some(standing) = standing else { continue };
            self.count(connection).users += 1;
            sqlx::query(
                "UPDATE object_count SET stored = stored - $3 WHERE connection_id = $1 AND stream = $2",
            )
            .bind(connection.0)
            .bind(Stream::Users.as_str())
            .bind(i64::from(standing))
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        }
        Ok(())
    }

    /// Persons of the customer-success database. Members that were tied to them are matched anew. What is remembered of changes
    /// may name them, too: it is forgotten, and all members are matched instead of those whom it touches.
    async fn delete_persons(&mut self) -> Result<(), StoreError> {
        for id in persons_of(&mut self.transaction, &self.request.email).await? {
            for statement in [
                "DELETE FROM person WHERE external_id = $1",
                "UPDATE member_match_history SET person_external_id = NULL WHERE person_external_id = $1",
            ] {
                sqlx::query(statement)
                    .bind(&id)
                    .execute(&mut *self.transaction)
                    .await
                    .map_err(database)?;
            }
            self.persons += 1;
        }
        if self.persons > 0 || remembers_persons(&mut self.transaction).await? {
            everything_changed(&mut self.transaction).await?;
        }
        Ok(())
    }

    async fn forget_bounces(&mut self) -> Result<(), StoreError> {
        let gone = sqlx::query("DELETE FROM email_bounce WHERE email = $1")
            .bind(&self.request.email)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        self.bounced = gone.rows_affected() > 0;
        Ok(())
    }

    async fn take_out_of_texts(&mut self) -> Result<(), StoreError> {
        for (table, key, column) in TEXTS {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT connection_id, {key} AS record_key, {column} AS text FROM {table}
                 WHERE instr(lower({column}), $1) > 0 OR ({column} GLOB '*[^ -~]*' AND instr({column}, '@') > 0)"
            )))
            .bind(&self.request.email)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(database)?;
            for row in &rows {
                let Some(text) = without_email(&row.text("text")?, &self.request.email) else {
                    continue;
                };
                let connection = row.connection_id("connection_id")?;
                sqlx::query(AssertSqlSafe(format!(
                    "UPDATE {table} SET {column} = $3 WHERE connection_id = $1 AND {key} = $2"
                )))
                .bind(connection.0)
                .bind(row.text("record_key")?)
                .bind(text)
                .execute(&mut *self.transaction)
                .await
                .map_err(database)?;
                self.count(connection).mentions += 1;
            }
        }
        Ok(())
    }

    /// A request for one member names it in its path.
    async fn take_out_of_causes(&mut self) -> Result<(), StoreError> {
        for (connection, member) in self.each_member() {
            sqlx::query(
                "UPDATE run SET cause_message = rtrim(replace(cause_message || ' ', '/user/' || $2 || ' ', '/user/[erased] '))
                 WHERE connection_id = $1 AND instr(cause_message || ' ', '/user/' || $2 || ' ') > 0",
            )
            .bind(connection.0)
            .bind(&member)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        }
        Ok(())
    }

    async fn nothing_found(mut self) -> Result<Erasure, StoreError> {
        let first: Option<SqliteRow> = sqlx::query(
            "SELECT id, erased_at, persons FROM erasure WHERE email_hash = $1 ORDER BY erased_at, id LIMIT 1",
        )
        .bind(&self.salt.of_email(&self.request.email).0)
        .fetch_optional(&mut *self.transaction)
        .await
        .map_err(database)?;
        let Some(first) = first else {
            // What was remembered of changes is forgotten all the same.
            self.transaction.commit().await.map_err(database)?;
            return Ok(Erasure::Unknown);
        };
        let receipt = receipt_of(&mut self.transaction, &first).await?;
        self.transaction.commit().await.map_err(database)?;
        Ok(Erasure::DoneBefore(receipt))
    }

    async fn leave_receipt(&mut self) -> Result<Receipt, StoreError> {
        let (id, at) = (self.request.id, self.request.at);
        sqlx::query("INSERT INTO erasure (id, email_hash, erased_at, persons) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(&self.salt.of_email(&self.request.email).0)
            .bind(micros(at))
            .bind(count(self.persons)?)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        for (connection, counts) in self.counts.clone() {
            sqlx::query(
                "INSERT INTO erasure_count (erasure_id, connection_id, users, content, activity, invalid_records, mentions)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(id)
            .bind(connection.0)
            .bind(count(counts.users)?)
            .bind(count(counts.content)?)
            .bind(count(counts.activity)?)
            .bind(count(counts.invalid_records)?)
            .bind(count(counts.mentions)?)
            .execute(&mut *self.transaction)
            .await
            .map_err(database)?;
        }
        Ok(Receipt {
            id,
            erased_at: at,
            persons: self.persons,
            tenants: tenants_of(&mut self.transaction, id).await?,
        })
    }

    fn each_member(&self) -> Vec<(ConnectionId, String)> {
        let members = self.members.iter();
        members
            .flat_map(|(connection, ids)| ids.iter().map(|id| (*connection, id.clone())))
            .collect()
    }
}
