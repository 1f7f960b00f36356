//! Members' ties to companies, and who is to be matched.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    ConnectionId, MatchCounts, RunId,
    unification::{Match, Member, PartyChanges, WhyNot},
};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction};
use store::{
    By, Deed, DueMember, DuePage, Fenced, Lease, Left, Link, MatchCommit, MatchStore, MatchesWritten,
    MatchingDue, MemberTie, NewMatch, Revision, Stays, StoreError, Sweep, SweepStep, targets,
};
use store_columns::{
    Columns, count, json_text,
    matching::{read_counts, read_member, read_pass, read_revision, read_tie},
    micros,
};

use crate::{
    SqliteStore,
    audit::append,
    database::{begin, in_own_task},
    error::database,
    leaving,
    packed::{Column, PackedRow, named, packed},
};

/// A member as rules see it, with the match and the link. What it is selected from calls the member's row `member`.
const MEMBER: [Column; 30] = [
    ("tenant_id", "connection.tenant_id"),
    ("community_user_id", "member.community_user_id"),
    ("username", "member.username"),
    ("email", "member.email"),
    ("first_name", "member.first_name"),
    ("last_name", "member.last_name"),
    ("phone", "member.phone"),
    ("company_custom", "member.company_custom"),
    ("sso_id", "member.sso_id"),
    ("roles", "member.roles"),
    ("deleted", "member.deleted_at IS NOT NULL"),
    ("status", "stands.status"),
    ("decided_by", "stands.decided_by"),
    ("rule", "stands.rule"),
    ("person_external_id", "stands.person_external_id"),
    ("company_external_id", "stands.company_external_id"),
    ("compared", "stands.compared"),
    ("candidates", "stands.candidates"),
    ("why_not", "stands.why_not"),
    ("domain", "stands.domain"),
    ("link_company", "link.company_external_id"),
    ("link_person", "link.person_external_id"),
    ("link_reason", "link.reason"),
    ("linked_by", "link.linked_by"),
    ("linked_at", "link.linked_at"),
    (
        "counts",
        "member.deleted_at IS NULL AND gone.connection_id IS NULL",
    ),
    ("left_at", "gone.left_at"),
    ("left_because", "gone.because"),
    ("stays", "stays.connection_id IS NOT NULL"),
    ("marks", "due.marks"),
];

const MEMBER_JOINS: &str = "CROSS JOIN connection ON connection.id = member.connection_id
    LEFT JOIN member_match AS stands
        ON stands.connection_id = member.connection_id AND stands.community_user_id = member.community_user_id
    LEFT JOIN member_link AS link
        ON link.connection_id = member.connection_id AND link.community_user_id = member.community_user_id
    LEFT JOIN member_left AS gone
        ON gone.connection_id = member.connection_id AND gone.community_user_id = member.community_user_id
    LEFT JOIN member_stays AS stays
        ON stays.connection_id = member.connection_id AND stays.community_user_id = member.community_user_id";

/// New matches. Each is written as text once, where `json_each` alone would write it anew for each of its values.
const NEW: &str = "WITH given AS MATERIALIZED (SELECT value AS one FROM json_each($2)),
    new AS MATERIALIZED (
        SELECT one ->> 'id' AS id, one ->> 'status' AS status, one ->> 'decided_by' AS decided_by,
            one ->> 'rule' AS rule, one ->> 'person' AS person, one ->> 'company' AS company,
            one ->> 'compared' AS compared, one ->> 'candidates' AS candidates, one ->> 'why_not' AS why_not,
            one ->> 'domain' AS domain
        FROM given)";

/// A match differs in what it says, and not only in what it was decided by.
const KEEP_FORMER: &str = "INSERT INTO member_match_history (connection_id, community_user_id, status, decided_by,
        rule, rule_version, person_external_id, company_external_id, compared, candidates, why_not, domain, decided_at,
        until)
    SELECT connection_id, community_user_id, former.status, former.decided_by, former.rule, rule_version,
        former.person_external_id, former.company_external_id, former.compared, former.candidates, former.why_not,
        former.domain, decided_at, $3
    FROM new CROSS JOIN member_match AS former
        ON former.connection_id = $1 AND former.community_user_id = new.id
    WHERE former.status <> new.status OR former.decided_by <> new.decided_by OR former.rule IS NOT new.rule
        OR former.person_external_id IS NOT new.person OR former.company_external_id IS NOT new.company";

/// Of members who are there: one who was erased meanwhile has no match.
const WRITE: &str = "INSERT INTO member_match (connection_id, community_user_id, status, decided_by, rule,
        rule_version, person_external_id, company_external_id, compared, candidates, why_not, domain, decided_at)
    SELECT $1, new.id, new.status, new.decided_by, new.rule, $4, new.person, new.company, new.compared,
        new.candidates, new.why_not, new.domain, $3
    FROM new CROSS JOIN community_user AS member
        ON member.connection_id = $1 AND member.community_user_id = new.id
    WHERE true
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET status = excluded.status,
        decided_by = excluded.decided_by, rule = excluded.rule, rule_version = excluded.rule_version,
        person_external_id = excluded.person_external_id, company_external_id = excluded.company_external_id,
        compared = excluded.compared, candidates = excluded.candidates, why_not = excluded.why_not,
        domain = excluded.domain, decided_at = excluded.decided_at";

/// Of members whose match is the same in all columns that an index has. To set those again would write the indexes anew, at
/// places all over them, which takes several times as long as the rest.
const WRITE_IN_PLACE: &str =
    "UPDATE member_match SET decided_by = new.decided_by, rule = new.rule, rule_version = $4,
        person_external_id = new.person, compared = new.compared, candidates = new.candidates, decided_at = $3
    FROM new WHERE connection_id = $1 AND community_user_id = new.id AND member_match.status = new.status
        AND member_match.why_not IS new.why_not AND member_match.domain IS new.domain
        AND company_external_id IS new.company";

/// Of members who are tied to another company, and nothing else of what an index has is another.
const WRITE_MOVED: &str =
    "UPDATE member_match SET decided_by = new.decided_by, rule = new.rule, rule_version = $4,
        person_external_id = new.person, company_external_id = new.company, compared = new.compared,
        candidates = new.candidates, decided_at = $3
    FROM new WHERE connection_id = $1 AND community_user_id = new.id AND member_match.status = new.status
        AND member_match.why_not IS new.why_not AND member_match.domain IS new.domain";

const TAKE_MARKS: &str = "DELETE FROM match_due WHERE connection_id = $1 AND community_user_id IN (
        SELECT value ->> 0 FROM json_each($2)
        WHERE value ->> 1 = (SELECT marks FROM match_due AS due
            WHERE due.connection_id = $1 AND due.community_user_id = value ->> 0))";

const GO_ON: &str = "UPDATE match_all_due SET after_user = $4, done = done + $5
    WHERE connection_id = $1 AND after_user = $2 AND marks_taken = $3";
const END_PASS: &str =
    "DELETE FROM match_all_due WHERE connection_id = $1 AND after_user = $2 AND marks_taken = $3";

const SET_LINK: &str = "INSERT INTO member_link (connection_id, community_user_id, company_external_id,
        person_external_id, reason, linked_by, linked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET company_external_id = excluded.company_external_id,
        person_external_id = excluded.person_external_id, reason = excluded.reason, linked_by = excluded.linked_by,
        linked_at = excluded.linked_at";

/// By status, without members who are deleted or have left; those who were never matched are unmatched.
pub(crate) const COUNT_MATCHES: &str = "WITH gone AS (
        SELECT community_user_id FROM community_user WHERE connection_id = $1 AND deleted_at IS NOT NULL
        UNION SELECT community_user_id FROM member_left WHERE connection_id = $1),
    counted AS (
        SELECT status, COUNT(*) AS members FROM member_match WHERE connection_id = $1 GROUP BY status
        UNION ALL
        SELECT status, -COUNT(*) FROM gone CROSS JOIN member_match
            ON connection_id = $1 AND member_match.community_user_id = gone.community_user_id
        GROUP BY status
        UNION ALL
        SELECT 'unmatched', COUNT(*) FROM match_due AS due CROSS JOIN community_user AS member
            ON member.connection_id = $1 AND member.community_user_id = due.community_user_id
        WHERE due.connection_id = $1 AND member.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM member_match AS stands
            WHERE stands.connection_id = $1 AND stands.community_user_id = due.community_user_id)
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = $1 AND gone.community_user_id = due.community_user_id))
    SELECT COALESCE(SUM(members) FILTER (WHERE status = 'matched'), 0) AS matched,
        COALESCE(SUM(members) FILTER (WHERE status = 'unmatched'), 0) AS unmatched,
        COALESCE(SUM(members) FILTER (WHERE status = 'ambiguous'), 0) AS ambiguous,
        COALESCE(SUM(members) FILTER (WHERE status = 'internal'), 0) AS internal
    FROM counted";

/// A new match on its way, as JSON.
#[derive(Serialize)]
struct Written<'m> {
    id: &'m str,
    status: &'static str,
    decided_by: &'static str,
    rule: Option<&'m str>,
    person: Option<&'m str>,
    company: Option<&'m str>,
    compared: String,
    candidates: String,
    why_not: Option<&'static str>,
    domain: Option<&'m str>,
}

#[async_trait]
impl MatchStore for SqliteStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        let row = sqlx::query("SELECT revision, rule_version FROM unification")
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map_or(Ok(Revision::default()), read_revision)
    }

    async fn members_due(&self, connection: ConnectionId, limit: u32) -> Result<Option<DuePage>, StoreError> {
        let members = self.members_marked(connection, "", limit).await?;
        if !members.is_empty() {
            return Ok(Some(DuePage { members, pass: None }));
        }
        let pass = sqlx::query("SELECT after_user, marks_taken FROM match_all_due WHERE connection_id = $1")
            .bind(connection.0)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        let Some(pass) = pass else { return Ok(None) };
        let pass = read_pass(&pass)?;
        Ok(Some(DuePage {
            members: self.members_matched(connection, Some(&pass.after), limit).await?,
            pass: Some(pass),
        }))
    }

    async fn members_marked(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError> {
        let marked = format!(
            "SELECT {} FROM match_due AS due
             CROSS JOIN community_user AS member
                ON member.connection_id = due.connection_id AND member.community_user_id = due.community_user_id
             {MEMBER_JOINS}
             WHERE due.connection_id = $1 AND due.community_user_id > $2
             ORDER BY due.community_user_id LIMIT $3",
            named(&MEMBER)
        );
        self.read_members(connection, &marked, after, limit).await
    }

    async fn write_matches(
        &self,
        lease: Option<&Lease>,
        commit: MatchCommit,
    ) -> Result<MatchesWritten, Fenced> {
        let (writer, lease) = (self.writer().clone(), lease.cloned());
        // The matches of the next page are computed meanwhile.
        in_own_task(async move { write(&writer, lease.as_ref(), &commit).await }).await
    }

    async fn sweep_due(&self, connection: ConnectionId) -> Result<Option<Sweep>, StoreError> {
        self.read_sweep(connection).await
    }

    async fn parties_changed(&self, since: i64) -> Result<PartyChanges, StoreError> {
        self.read_changes(since).await
    }

    async fn members_to_sweep(
        &self,
        connection: ConnectionId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        self.read_members_to_sweep(connection, after, limit).await
    }

    async fn write_sweep(&self, lease: Option<&Lease>, step: &SweepStep) -> Result<MatchesWritten, Fenced> {
        self.step_sweep(lease, step).await
    }

    async fn matching_due(&self) -> Result<Vec<MatchingDue>, StoreError> {
        let rows = sqlx::query(
            "SELECT connection.id, match_all_due.done, match_sweep_due.done AS swept,
                (SELECT COUNT(*) FROM match_due WHERE match_due.connection_id = connection.id) AS marked,
                EXISTS (SELECT 1 FROM run WHERE run.connection_id = connection.id AND run.state = 'running') AS under_way
             FROM connection LEFT JOIN match_all_due ON match_all_due.connection_id = connection.id
             LEFT JOIN match_sweep_due ON match_sweep_due.connection_id = connection.id
             ORDER BY connection.tenant_id",
        )
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let mut due = Vec::new();
        for row in &rows {
            let of = MatchingDue {
                connection_id: row.connection_id("id")?,
                pass_done: row.optional_unsigned("done")?,
                sweep_done: row.optional_unsigned("swept")?,
                marked: row.unsigned("marked")?,
                run_under_way: row.flag("under_way")?,
            };
            if of.marked > 0 || of.pass_done.is_some() || of.sweep_done.is_some() {
                due.push(of);
            }
        }
        Ok(due)
    }

    async fn member_tie(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        history: u32,
    ) -> Result<Option<MemberTie>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {}, stands.rule_version, stands.decided_at, member.deleted_at, gone.reason AS left_reason,
                gone.left_by, stays.reason AS stays_reason, stays.said_by, stays.said_at
             FROM community_user AS member {MEMBER_JOINS}
             LEFT JOIN match_due AS due
                ON due.connection_id = member.connection_id AND due.community_user_id = member.community_user_id
             WHERE member.connection_id = $1 AND member.community_user_id = $2",
            named(&MEMBER)
        )))
        .bind(connection.0)
        .bind(community_user_id)
        .fetch_optional(self.readers())
        .await
        .map_err(database)?;
        let Some(row) = row else { return Ok(None) };
        let former = sqlx::query(
            "SELECT status, decided_by, rule, rule_version, person_external_id, company_external_id, compared,
                candidates, why_not, domain, decided_at, until
             FROM member_match_history WHERE connection_id = $1 AND community_user_id = $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(connection.0)
        .bind(community_user_id)
        .bind(i64::from(history))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        let formerly_left = sqlx::query(
            "SELECT because AS left_because, reason AS left_reason, left_by, left_at, until FROM member_left_history
             WHERE connection_id = $1 AND community_user_id = $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(connection.0)
        .bind(community_user_id)
        .bind(i64::from(history))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        read_tie(&row, &former, &formerly_left).map(Some)
    }

    async fn set_link(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        link: Option<&Link>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !mark(&mut transaction, connection, community_user_id).await? {
            return Ok(false);
        }
        let set = match link {
            None => {
                sqlx::query("DELETE FROM member_link WHERE connection_id = $1 AND community_user_id = $2")
                    .bind(connection.0)
                    .bind(community_user_id)
            }
            Some(link) => sqlx::query(SET_LINK)
                .bind(connection.0)
                .bind(community_user_id)
                .bind(&link.company_external_id)
                .bind(&link.person_external_id)
                .bind(&link.reason)
                .bind(&link.by)
                .bind(micros(link.at)),
        };
        let set = set.execute(&mut *transaction).await.map_err(database)?;
        if set.rows_affected() > 0 {
            let (deed, target) = said(connection, link);
            append(&mut transaction, by, deed, Some(target)).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(true)
    }

    async fn set_left(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        left: Option<&Left>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !mark(&mut transaction, connection, community_user_id).await? {
            return Ok(false);
        }
        let deed = match left {
            None => leaving::come_back(&mut transaction, connection, community_user_id, by.at)
                .await?
                .then_some(Deed::MemberBack),
            Some(left) => {
                leaving::keep_left(&mut transaction, connection, community_user_id, left).await?;
                Some(Deed::MemberLeft)
            }
        };
        if let Some(deed) = deed {
            append(&mut transaction, by, deed, Some(targets::member(connection))).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(true)
    }

    async fn set_stays(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        stays: Option<&Stays>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !mark(&mut transaction, connection, community_user_id).await? {
            return Ok(false);
        }
        let deed = match stays {
            None => leaving::forget_stays(&mut transaction, connection, community_user_id)
                .await?
                .then_some(Deed::MemberLeftToRules),
            Some(stays) => {
                leaving::keep_stays(&mut transaction, connection, community_user_id, stays).await?;
                Some(Deed::MemberBack)
            }
        };
        if let Some(deed) = deed {
            append(&mut transaction, by, deed, Some(targets::member(connection))).await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(true)
    }

    async fn match_counts(&self, connection: ConnectionId) -> Result<MatchCounts, StoreError> {
        let row = sqlx::query(COUNT_MATCHES)
            .bind(connection.0)
            .fetch_one(self.readers())
            .await
            .map_err(database)?;
        read_counts(&row)
    }

    async fn members_matched(
        &self,
        connection: ConnectionId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError> {
        let all = format!(
            "SELECT {} FROM community_user AS member {MEMBER_JOINS} CROSS JOIN (SELECT NULL AS marks) AS due
             WHERE member.connection_id = $1 AND member.community_user_id > $2
             ORDER BY member.community_user_id LIMIT $3",
            named(&MEMBER)
        );
        self.read_members(connection, &all, after.unwrap_or_default(), limit)
            .await
    }
}

impl SqliteStore {
    async fn read_members(
        &self,
        connection: ConnectionId,
        members: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<DueMember>, StoreError> {
        let asked = sqlx::query_scalar::<_, String>(AssertSqlSafe(packed(&MEMBER, members)))
            .bind(connection.0)
            .bind(after.to_owned())
            .bind(i64::from(limit));
        let readers = self.readers().clone();
        // The page before it is matched meanwhile.
        in_own_task(async move {
            let page = asked.fetch_one(&readers).await.map_err(database)?;
            unpack_members(&page)
        })
        .await
    }
}

async fn write(
    writer: &SqlitePool,
    lease: Option<&Lease>,
    commit: &MatchCommit,
) -> Result<MatchesWritten, Fenced> {
    let mut transaction = begin(writer).await?;
    let stop_requested = match lease {
        Some(lease) => pass_fence(&mut transaction, lease, commit.connection_id).await?,
        None => false,
    };
    if !is_current(&mut transaction, commit).await? || !step_pass(&mut transaction, commit).await? {
        return Ok(MatchesWritten::Outdated);
    }
    write_changed(&mut transaction, commit).await?;
    leaving::write(&mut transaction, commit).await?;
    take_marks(&mut transaction, commit).await?;
    transaction.commit().await.map_err(database)?;
    Ok(MatchesWritten::Yes { stop_requested })
}

/// In the order of their ids, which packing need not keep.
fn unpack_members(page: &str) -> Result<Vec<DueMember>, StoreError> {
    let rows: Vec<[Option<&RawValue>; MEMBER.len()]> = serde_json::from_str(page)
        .map_err(|error| StoreError::Corrupt(format!("packed members: {error}")))?;
    let rows = rows.iter().map(|values| PackedRow {
        columns: &MEMBER,
        values,
    });
    let mut members: Vec<DueMember> = rows.map(|row| read_member(&row)).collect::<Result<_, _>>()?;
    members.sort_by(|a, b| a.member.community_user_id.cmp(&b.member.community_user_id));
    Ok(members)
}

/// All members are due from now on, in the transaction that changed companies, persons or rules. That covers whatever sweeps
/// were to find.
pub(crate) async fn everything_changed(
    transaction: &mut Transaction<'static, Sqlite>,
) -> Result<(), StoreError> {
    next_revision(transaction).await?;
    all_due(transaction, None).await?;
    for statement in ["DELETE FROM match_sweep_due", "DELETE FROM party_change"] {
        sqlx::query(statement)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// Companies, persons or rules are others from now on.
pub(crate) async fn next_revision(transaction: &mut Transaction<'static, Sqlite>) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO unification (id, revision, rule_version) VALUES (1, 1, 0)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1 RETURNING revision",
    )
    .fetch_one(&mut **transaction)
    .await
    .map_err(database)
}

/// All members of a connection are due, or of all connections. Where there are none no pass is: who comes later is due by
/// coming. Nor is one before the first rules, until which whoever has come is due.
pub(crate) async fn all_due(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: Option<ConnectionId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO match_all_due (connection_id, after_user, done)
         SELECT id, '', 0 FROM connection WHERE ($1 IS NULL OR id = $1)
            AND EXISTS (SELECT 1 FROM unification WHERE rule_version > 0)
            AND EXISTS (SELECT 1 FROM community_user WHERE connection_id = connection.id)
         ON CONFLICT (connection_id) DO UPDATE SET after_user = '', done = 0",
    )
    .bind(connection.map(|connection| connection.0))
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}

/// A member is due. False if there is no such member.
async fn mark(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    community_user_id: &str,
) -> Result<bool, StoreError> {
    let marked = sqlx::query(
        "INSERT INTO match_due AS due (connection_id, community_user_id)
         SELECT connection_id, community_user_id FROM community_user
         WHERE connection_id = $1 AND community_user_id = $2
         ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = due.marks + 1",
    )
    .bind(connection.0)
    .bind(community_user_id)
    .execute(&mut **transaction)
    .await
    .map_err(database)?;
    Ok(marked.rows_affected() == 1)
}

/// Whether the lease still holds, and the run is to stop.
pub(crate) async fn pass_fence(
    transaction: &mut Transaction<'static, Sqlite>,
    lease: &Lease,
    connection: ConnectionId,
) -> Result<bool, Fenced> {
    let run = sqlx::query(
        "SELECT stop_requested FROM run
         WHERE id = $1 AND fencing_token = $2 AND state = 'running' AND connection_id = $3",
    )
    .bind(lease.run_id.0)
    .bind(lease.fencing_token)
    .bind(connection.0)
    .fetch_optional(&mut **transaction)
    .await
    .map_err(database)?
    .ok_or(Fenced::LeaseLost)?;
    Ok(run.flag("stop_requested")?)
}

/// What was decided by an older revision may be written if a pass over all is yet to reach it, or a sweep for all that has
/// changed since.
async fn is_current(
    transaction: &mut Transaction<'static, Sqlite>,
    commit: &MatchCommit,
) -> Result<bool, StoreError> {
    let first = commit.page.members.first();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM unification WHERE revision = $1)
            OR ($3 AND EXISTS (SELECT 1 FROM match_all_due WHERE connection_id = $2 AND after_user < $4))
            OR ($3 AND EXISTS (SELECT 1 FROM match_sweep_due
                WHERE connection_id = $2 AND after_user < $4 AND since_revision <= $1))",
    )
    .bind(commit.revision.number)
    .bind(commit.connection_id.0)
    .bind(commit.page.pass.is_none())
    .bind(first.map(|due| due.member.community_user_id.as_str()))
    .fetch_one(&mut **transaction)
    .await
    .map_err(database)
}

/// A pass moves on, or ends after its last page. False if somebody else has moved it, or matched members since its page was read
/// who may be among those of the page.
async fn step_pass(
    transaction: &mut Transaction<'static, Sqlite>,
    commit: &MatchCommit,
) -> Result<bool, StoreError> {
    let Some(pass) = &commit.page.pass else {
        sqlx::query("UPDATE match_all_due SET marks_taken = marks_taken + 1 WHERE connection_id = $1")
            .bind(commit.connection_id.0)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
        return Ok(true);
    };
    let members = &commit.page.members;
    let step = match members.last() {
        Some(last) => sqlx::query(GO_ON)
            .bind(commit.connection_id.0)
            .bind(&pass.after)
            .bind(pass.marks_taken)
            .bind(&last.member.community_user_id)
            .bind(count(members.len() as u64)?),
        None => sqlx::query(END_PASS)
            .bind(commit.connection_id.0)
            .bind(&pass.after)
            .bind(pass.marks_taken),
    };
    let moved = step.execute(&mut **transaction).await.map_err(database)?;
    Ok(moved.rows_affected() == 1)
}

/// Writes new matches, and keeps what they replace.
async fn write_changed(
    transaction: &mut Transaction<'static, Sqlite>,
    commit: &MatchCommit,
) -> Result<(), StoreError> {
    let [in_place, moved, others] = by_indexes(commit);
    for (matches, statement) in [(in_place, WRITE_IN_PLACE), (moved, WRITE_MOVED), (others, WRITE)] {
        let sent = Sent::new(commit, &matches)?;
        sent.execute(transaction, KEEP_FORMER).await?;
        let written = sent.execute(transaction, statement).await?;
        if written < matches.len() as u64 {
            // Somebody else has matched some of them since they were read.
            sent.execute(transaction, WRITE).await?;
        }
    }
    Ok(())
}

/// The new matches that are as those before in all that an index has, those that are but for their company, and the others.
fn by_indexes(commit: &MatchCommit) -> [Vec<&NewMatch>; 3] {
    let before: HashMap<&str, &Match> = commit
        .page
        .members
        .iter()
        .filter_map(|due| Some((due.member.community_user_id.as_str(), due.before.as_ref()?)))
        .collect();
    let mut sorted = [Vec::new(), Vec::new(), Vec::new()];
    for new in &commit.changed {
        let (before, after) = (before.get(new.community_user_id.as_str()), &new.outcome);
        let is_same = before.filter(|before| {
            before.status == after.status && before.why_not == after.why_not && before.domain == after.domain
        });
        let place = match is_same {
            Some(before) if before.company_external_id == after.company_external_id => 0,
            Some(_) => 1,
            None => 2,
        };
        sorted[place].push(new);
    }
    sorted
}

/// New matches on their way to the statements that write them.
struct Sent<'c> {
    commit: &'c MatchCommit,
    /// As JSON; `None` where there are none.
    matches: Option<String>,
}

impl<'c> Sent<'c> {
    fn new(commit: &'c MatchCommit, matches: &[&NewMatch]) -> Result<Self, StoreError> {
        let written = matches.iter().map(|new| written(new));
        let written = written.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            commit,
            matches: match written.as_slice() {
                [] => None,
                some => Some(json_text(&some)?),
            },
        })
    }

    /// How many rows it has written.
    async fn execute(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        statement: &str,
    ) -> Result<u64, StoreError> {
        let Some(matches) = &self.matches else {
            return Ok(0);
        };
        let done = sqlx::query(AssertSqlSafe(format!("{NEW} {statement}")))
            .bind(self.commit.connection_id.0)
            .bind(matches)
            .bind(micros(self.commit.at))
            .bind(self.commit.revision.rule_version)
            .execute(&mut **transaction)
            .await
            .map_err(database)?;
        Ok(done.rows_affected())
    }
}

async fn take_marks(
    transaction: &mut Transaction<'static, Sqlite>,
    commit: &MatchCommit,
) -> Result<(), StoreError> {
    let members = commit.page.members.iter();
    let marks: Vec<(&str, i64)> = members
        .filter_map(|due| Some((due.member.community_user_id.as_str(), due.marks?)))
        .collect();
    if marks.is_empty() {
        return Ok(());
    }
    sqlx::query(TAKE_MARKS)
        .bind(commit.connection_id.0)
        .bind(json_text(&marks)?)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

fn written(new: &NewMatch) -> Result<Written<'_>, StoreError> {
    let outcome = &new.outcome;
    Ok(Written {
        id: &new.community_user_id,
        status: outcome.status.as_str(),
        decided_by: outcome.decided_by.as_str(),
        rule: outcome.rule.as_deref(),
        person: outcome.person_external_id.as_deref(),
        company: outcome.company_external_id.as_deref(),
        compared: json_text(&outcome.values)?,
        candidates: json_text(&outcome.candidates)?,
        why_not: outcome.why_not.map(WhyNot::as_str),
        domain: outcome.domain.as_deref(),
    })
}

/// How the connection of a run that ends stands.
pub(crate) async fn count_matches(
    transaction: &mut Transaction<'static, Sqlite>,
    run: RunId,
    connection: uuid::Uuid,
) -> Result<(), StoreError> {
    let row = sqlx::query(COUNT_MATCHES)
        .bind(connection)
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)?;
    let counts = read_counts(&row)?;
    sqlx::query("UPDATE run SET matched = $2, unmatched = $3, ambiguous = $4, internal = $5 WHERE id = $1")
        .bind(run.0)
        .bind(count(counts.matched)?)
        .bind(count(counts.unmatched)?)
        .bind(count(counts.ambiguous)?)
        .bind(count(counts.internal)?)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
        .map_err(database)
}

/// What was said of a member, as the trail tells it.
fn said(connection: ConnectionId, link: Option<&Link>) -> (Deed, String) {
    match link {
        None => (Deed::MemberLeftToRules, targets::member(connection)),
        Some(link) if link.company_external_id.is_none() => {
            (Deed::MemberUnlinked, targets::link(connection, link))
        }
        Some(link) => (Deed::MemberLinked, targets::link(connection, link)),
    }
}
