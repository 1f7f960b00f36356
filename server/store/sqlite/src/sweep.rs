//! Sweeps: looking through members for those whom a change of companies or persons touches.

use domain::{
    ConnectionId,
    unification::{Changed, Company, Member, PartyChanges, Person},
};
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use store::{Fenced, Lease, MatchesWritten, PARTIES_SWEPT_MAX, StoreError, Sweep, SweepStep, Swept};
use store_columns::{
    companies::read_person,
    count, json_text,
    matching::read_fields,
    sweeps::{change_rows, read_changes, read_sweep},
};

use crate::{
    SqliteStore,
    companies::PERSON,
    error::database,
    matching::{all_due, everything_changed, next_revision, pass_fence},
};

const REMEMBER: &str = "INSERT INTO party_change (revision, kind, external_id, change)
    SELECT $1, value ->> 0, value ->> 1, value ->> 2 FROM json_each($2)";

/// What an admin's link names is compared whatever the member's own values are.
const MARK_LINKED: &str = "INSERT INTO match_due AS due (connection_id, community_user_id)
    SELECT link.connection_id, link.community_user_id FROM member_link AS link
    WHERE link.person_external_id IN (SELECT value FROM json_each($1))
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = due.marks + 1";

/// Where there are members: who comes later is due by coming. One that is under way begins again, and keeps what it was to
/// look for.
const BEGIN_SWEEPS: &str = "INSERT INTO match_sweep_due (connection_id, since_revision, after_user, done)
    SELECT id, $1 - 1, '', 0 FROM connection
    WHERE EXISTS (SELECT 1 FROM community_user WHERE connection_id = connection.id)
    ON CONFLICT (connection_id) DO UPDATE SET after_user = '', done = 0";

const GO_ON: &str = "UPDATE match_sweep_due SET after_user = $4, done = done + $5
    WHERE connection_id = $1 AND since_revision = $2 AND after_user = $3";
const END_SWEEP: &str =
    "DELETE FROM match_sweep_due WHERE connection_id = $1 AND since_revision = $2 AND after_user = $3";

/// What no sweep looks for any more.
const FORGET: &str = "DELETE FROM party_change
    WHERE revision <= COALESCE((SELECT MIN(since_revision) FROM match_sweep_due), revision)";

/// Of members who are there: one may have been erased meanwhile.
const MARK: &str = "INSERT INTO match_due AS due (connection_id, community_user_id)
    SELECT connection_id, community_user_id FROM community_user
    WHERE connection_id = $1 AND community_user_id IN (SELECT value FROM json_each($2))
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = due.marks + 1";

impl SqliteStore {
    pub(crate) async fn read_sweep(&self, connection: ConnectionId) -> Result<Option<Sweep>, StoreError> {
        let row =
            sqlx::query("SELECT since_revision, after_user FROM match_sweep_due WHERE connection_id = $1")
                .bind(connection.0)
                .fetch_optional(self.readers())
                .await
                .map_err(database)?;
        row.as_ref().map(read_sweep).transpose()
    }

    pub(crate) async fn read_changes(&self, since: i64) -> Result<PartyChanges, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, change FROM party_change WHERE revision > $1 ORDER BY revision, kind, external_id",
        )
        .bind(since)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        read_changes(&rows)
    }

    pub(crate) async fn read_members_to_sweep(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query(
            "SELECT connection.tenant_id, member.community_user_id, member.username, member.email, member.first_name,
                member.last_name, member.phone, member.company_custom, member.sso_id, '[]' AS roles
             FROM community_user AS member CROSS JOIN connection ON connection.id = member.connection_id
             WHERE member.connection_id = $1 AND member.community_user_id > $2
             ORDER BY member.community_user_id LIMIT $3",
        )
        .bind(connection.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_fields).collect()
    }

    pub(crate) async fn step_sweep(
        &self,
        lease: Option<&Lease>,
        step: &SweepStep,
    ) -> Result<MatchesWritten, Fenced> {
        let mut transaction = self.begin().await?;
        let stop_requested = match lease {
            Some(lease) => pass_fence(&mut transaction, lease, step.connection_id).await?,
            None => false,
        };
        let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM unification")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(database)?;
        if revision != Some(step.revision) || !move_on(&mut transaction, step).await? {
            return Ok(MatchesWritten::Outdated);
        }
        match &step.found {
            Swept::Anyone => all_due(&mut transaction, Some(step.connection_id)).await?,
            Swept::Members { touched, .. } => mark(&mut transaction, step.connection_id, touched).await?,
        }
        forget(&mut transaction).await?;
        transaction.commit().await.map_err(database)?;
        Ok(MatchesWritten::Yes { stop_requested })
    }
}

/// What has changed is remembered, and sweeps for whom that touches are due, in the transaction that changed it.
pub(crate) async fn parties_changed(
    transaction: &mut Transaction<'static, Sqlite>,
    mut changes: PartyChanges,
) -> Result<(), StoreError> {
    let led_elsewhere = persons_led_elsewhere(transaction, &changes.companies).await?;
    changes.persons.extend(led_elsewhere);
    let remembered: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM party_change")
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    let remembered = usize::try_from(remembered).unwrap_or(usize::MAX);
    if remembered.saturating_add(changes.len()) > PARTIES_SWEPT_MAX {
        return everything_changed(transaction).await;
    }
    let revision = next_revision(transaction).await?;
    let rows = change_rows(&changes)?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row.kind, row.external_id, &row.change))
        .collect();
    sqlx::query(REMEMBER)
        .bind(revision)
        .bind(json_text(&rows)?)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    sqlx::query(MARK_LINKED)
        .bind(json_text(&changes.person_ids())?)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    sqlx::query(BEGIN_SWEEPS)
        .bind(revision)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    forget(transaction).await
}

/// The persons of companies that are new: a few more than are remembered are as good as all.
async fn persons_led_elsewhere(
    transaction: &mut Transaction<'static, Sqlite>,
    companies: &[Changed<Company>],
) -> Result<Vec<Changed<Person>>, StoreError> {
    let new = companies.iter().filter(|changed| changed.before.is_none());
    let ids: Vec<&str> = new
        .filter_map(|changed| Some(changed.after.as_ref()?.external_id.as_str()))
        .collect();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{PERSON} WHERE company_external_id IN (SELECT value FROM json_each($1)) LIMIT $2"
    )))
    .bind(json_text(&ids)?)
    .bind(count(PARTIES_SWEPT_MAX as u64 + 1)?)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    let led_elsewhere = |row| {
        Ok(Changed {
            before: None,
            after: Some(read_person(row)?),
        })
    };
    rows.iter().map(led_elsewhere).collect()
}

/// A sweep moves on, or ends. False if somebody else has moved it.
async fn move_on(
    transaction: &mut Transaction<'static, Sqlite>,
    step: &SweepStep,
) -> Result<bool, StoreError> {
    let statement = match &step.found {
        Swept::Members {
            up_to: Some(up_to),
            looked_at,
            ..
        } => sqlx::query(GO_ON)
            .bind(step.connection_id.0)
            .bind(step.sweep.since)
            .bind(&step.sweep.after)
            .bind(up_to)
            .bind(count(*looked_at)?),
        Swept::Members { up_to: None, .. } | Swept::Anyone => sqlx::query(END_SWEEP)
            .bind(step.connection_id.0)
            .bind(step.sweep.since)
            .bind(&step.sweep.after),
    };
    let moved = statement.execute(&mut **transaction).await.map_err(database)?;
    Ok(moved.rows_affected() == 1)
}

async fn mark(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    touched: &[String],
) -> Result<(), StoreError> {
    if touched.is_empty() {
        return Ok(());
    }
    sqlx::query(MARK)
        .bind(connection.0)
        .bind(json_text(&touched)?)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

async fn forget(transaction: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError> {
    sqlx::query(FORGET)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

/// Whether what is remembered names persons.
pub(crate) async fn remembers_persons(
    transaction: &mut Transaction<'static, Sqlite>,
) -> Result<bool, StoreError> {
    let holds_persons = "SELECT EXISTS (SELECT 1 FROM party_change WHERE kind = 'person')";
    sqlx::query_scalar(holds_persons)
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)
}
