//! Members' ties to companies, and who is to be matched.

use async_trait::async_trait;
use domain::{
    ConnectionId, MatchCounts, RunId,
    unification::{Match, Member, PartyChanges, WhyNot},
};
use sqlx::{AssertSqlSafe, PgConnection};
use store::{
    By, Deed, DueMember, DuePage, Fenced, Lease, Left, Link, MatchCommit, MatchStore, MatchesWritten,
    MatchingDue, MemberTie, Revision, Stays, StoreError, Sweep, SweepStep, targets,
};
use store_columns::{
    Columns, count, json_text,
    matching::{read_counts, read_member, read_pass, read_revision, read_tie},
    micros,
};

use crate::{
    PostgresStore, audit::append, error::database, leaving, suppression::lock_out_erasures,
    trends::lock_out_rebuilds,
};

/// A member as rules see it, with the match and the link. What it is selected from calls the member's row `member`.
const MEMBER_COLUMNS: &str = "connection.tenant_id, member.community_user_id, member.username, member.email,
        member.first_name, member.last_name, member.phone, member.company_custom, member.sso_id, member.roles,
        stands.status, stands.decided_by, stands.rule, stands.person_external_id, stands.company_external_id,
        stands.compared, stands.candidates, stands.why_not, stands.domain,
        link.company_external_id AS link_company, link.person_external_id AS link_person, link.reason AS link_reason,
        link.linked_by, link.linked_at, member.deleted_at IS NULL AND gone.connection_id IS NULL AS counts,
        gone.left_at, gone.because AS left_because, stays.connection_id IS NOT NULL AS stays,
        member.deleted_at IS NOT NULL AS deleted";

const MEMBER_JOINS: &str = "JOIN connection ON connection.id = member.connection_id
    LEFT JOIN member_match AS stands
        ON stands.connection_id = member.connection_id AND stands.community_user_id = member.community_user_id
    LEFT JOIN member_link AS link
        ON link.connection_id = member.connection_id AND link.community_user_id = member.community_user_id
    LEFT JOIN member_left AS gone
        ON gone.connection_id = member.connection_id AND gone.community_user_id = member.community_user_id
    LEFT JOIN member_stays AS stays
        ON stays.connection_id = member.connection_id AND stays.community_user_id = member.community_user_id";

/// New matches on their way, as arrays; the columns of each.
const GIVEN: &str =
    "unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[])
    AS given (id, status, decided_by, rule, person, company, compared, candidates, why_not, domain)";

/// A match differs in what it says, and not only in what it was decided by. Written in the order of keys.
const KEEP_FORMER: &str = "former_kept AS (
    INSERT INTO member_match_history (connection_id, community_user_id, status, decided_by, rule, rule_version,
        person_external_id, company_external_id, compared, candidates, why_not, domain, decided_at, until)
    SELECT connection_id, community_user_id, former.status, former.decided_by, former.rule, rule_version,
        former.person_external_id, former.company_external_id, former.compared, former.candidates, former.why_not,
        former.domain, decided_at, $12
    FROM given JOIN member_match AS former ON former.connection_id = $1 AND former.community_user_id = given.id
    WHERE former.status <> given.status OR former.decided_by <> given.decided_by
        OR former.rule IS DISTINCT FROM given.rule OR former.person_external_id IS DISTINCT FROM given.person
        OR former.company_external_id IS DISTINCT FROM given.company
    ORDER BY given.id)";

/// Of members who are there: one who was erased meanwhile has no match.
const WRITE: &str = "INSERT INTO member_match (connection_id, community_user_id, status, decided_by, rule, rule_version,
        person_external_id, company_external_id, compared, candidates, why_not, domain, decided_at)
    SELECT $1, given.id, given.status, given.decided_by, given.rule, $13, given.person, given.company, given.compared,
        given.candidates, given.why_not, given.domain, $12
    FROM given JOIN community_user AS member ON member.connection_id = $1 AND member.community_user_id = given.id
    ORDER BY given.id COLLATE \"C\"
    ON CONFLICT (connection_id, community_user_id) DO UPDATE SET status = excluded.status,
        decided_by = excluded.decided_by, rule = excluded.rule, rule_version = excluded.rule_version,
        person_external_id = excluded.person_external_id, company_external_id = excluded.company_external_id,
        compared = excluded.compared, candidates = excluded.candidates, why_not = excluded.why_not,
        domain = excluded.domain, decided_at = excluded.decided_at";

/// A mark that is being made again meanwhile stays.
const TAKE_MARKS: &str = "DELETE FROM match_due USING unnest($2::text[], $3::bigint[]) AS taken (id, marks)
    WHERE connection_id = $1 AND community_user_id = taken.id AND match_due.marks = taken.marks";

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
        SELECT status, -COUNT(*) FROM gone JOIN member_match
            ON connection_id = $1 AND member_match.community_user_id = gone.community_user_id
        GROUP BY status
        UNION ALL
        SELECT 'unmatched', COUNT(*) FROM match_due AS due JOIN community_user AS member
            ON member.connection_id = $1 AND member.community_user_id = due.community_user_id
        WHERE due.connection_id = $1 AND member.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM member_match AS stands
            WHERE stands.connection_id = $1 AND stands.community_user_id = due.community_user_id)
            AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = $1 AND gone.community_user_id = due.community_user_id))
    SELECT COALESCE(SUM(members) FILTER (WHERE status = 'matched'), 0)::bigint AS matched,
        COALESCE(SUM(members) FILTER (WHERE status = 'unmatched'), 0)::bigint AS unmatched,
        COALESCE(SUM(members) FILTER (WHERE status = 'ambiguous'), 0)::bigint AS ambiguous,
        COALESCE(SUM(members) FILTER (WHERE status = 'internal'), 0)::bigint AS internal
    FROM counted";

#[async_trait]
impl MatchStore for PostgresStore {
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
        // Asked first: to plan the other statement takes longer than this one.
        let is_any: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM match_due WHERE connection_id = $1 AND community_user_id > $2)",
        )
        .bind(connection.0)
        .bind(after)
        .fetch_one(self.readers())
        .await
        .map_err(database)?;
        if !is_any {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, due.marks FROM match_due AS due
             JOIN community_user AS member
                ON member.connection_id = due.connection_id AND member.community_user_id = due.community_user_id
             {MEMBER_JOINS}
             WHERE due.connection_id = $1 AND due.community_user_id > $2
             ORDER BY due.community_user_id LIMIT $3"
        )))
        .bind(connection.0)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_member).collect()
    }

    async fn write_matches(
        &self,
        lease: Option<&Lease>,
        commit: MatchCommit,
    ) -> Result<MatchesWritten, Fenced> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        let stop_requested = match lease {
            Some(lease) => pass_fence(&mut write, lease, commit.connection_id).await?,
            None => false,
        };
        if !is_current(&mut write, &commit).await? || !step_pass(&mut write, &commit).await? {
            return Ok(MatchesWritten::Outdated);
        }
        lock_out_rebuilds(&mut write, commit.connection_id).await?;
        write_changed(&mut write, &commit).await?;
        leaving::write(&mut write, &commit).await?;
        take_marks(&mut write, &commit).await?;
        write.commit().await?;
        Ok(MatchesWritten::Yes { stop_requested })
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
            "SELECT {MEMBER_COLUMNS}, due.marks, stands.rule_version, stands.decided_at, member.deleted_at,
                gone.reason AS left_reason, gone.left_by, stays.reason AS stays_reason, stays.said_by, stays.said_at
             FROM community_user AS member {MEMBER_JOINS}
             LEFT JOIN match_due AS due
                ON due.connection_id = member.connection_id AND due.community_user_id = member.community_user_id
             WHERE member.connection_id = $1 AND member.community_user_id = $2"
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
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        if !mark(&mut write, connection, community_user_id).await? {
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
        let set = set.execute(&mut *write).await.map_err(database)?;
        if set.rows_affected() > 0 {
            let (deed, target) = said(connection, link);
            append(&mut write, by, deed, Some(target)).await?;
        }
        write.commit().await?;
        Ok(true)
    }

    async fn set_left(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        left: Option<&Left>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        if !mark(&mut write, connection, community_user_id).await? {
            return Ok(false);
        }
        lock_out_rebuilds(&mut write, connection).await?;
        let deed = match left {
            None => leaving::come_back(&mut write, connection, community_user_id, by.at)
                .await?
                .then_some(Deed::MemberBack),
            Some(left) => {
                leaving::keep_left(&mut write, connection, community_user_id, left).await?;
                Some(Deed::MemberLeft)
            }
        };
        if let Some(deed) = deed {
            append(&mut write, by, deed, Some(targets::member(connection))).await?;
        }
        write.commit().await?;
        Ok(true)
    }

    async fn set_stays(
        &self,
        connection: ConnectionId,
        community_user_id: &str,
        stays: Option<&Stays>,
        by: &By,
    ) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        lock_out_erasures(&mut write).await?;
        if !mark(&mut write, connection, community_user_id).await? {
            return Ok(false);
        }
        lock_out_rebuilds(&mut write, connection).await?;
        let deed = match stays {
            None => leaving::forget_stays(&mut write, connection, community_user_id)
                .await?
                .then_some(Deed::MemberLeftToRules),
            Some(stays) => {
                leaving::keep_stays(&mut write, connection, community_user_id, stays).await?;
                Some(Deed::MemberBack)
            }
        };
        if let Some(deed) = deed {
            append(&mut write, by, deed, Some(targets::member(connection))).await?;
        }
        write.commit().await?;
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
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, NULL::bigint AS marks FROM community_user AS member {MEMBER_JOINS}
             WHERE member.connection_id = $1 AND member.community_user_id > $2
             ORDER BY member.community_user_id LIMIT $3"
        )))
        .bind(connection.0)
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_member).collect()
    }
}

/// All members are due from now on, in the transaction that changed companies, persons or rules. That covers whatever sweeps
/// were to find.
pub(crate) async fn everything_changed(write: &mut PgConnection) -> Result<(), StoreError> {
    next_revision(write).await?;
    all_due(write, None).await?;
    for statement in ["DELETE FROM match_sweep_due", "DELETE FROM party_change"] {
        sqlx::query(statement)
            .execute(&mut *write)
            .await
            .map_err(database)?;
    }
    Ok(())
}

/// Companies, persons or rules are others from now on. Nobody else changes any, nor writes what was decided by them, until the
/// transaction ends.
pub(crate) async fn next_revision(write: &mut PgConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO unification (id, revision, rule_version) VALUES (1, 1, 0)
         ON CONFLICT (id) DO UPDATE SET revision = unification.revision + 1 RETURNING revision",
    )
    .fetch_one(write)
    .await
    .map_err(database)
}

/// All members of a connection are due, or of all connections. Where there are none no pass is: who comes later is due by
/// coming. Nor is one before the first rules, until which whoever has come is due.
pub(crate) async fn all_due(
    write: &mut PgConnection,
    connection: Option<ConnectionId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO match_all_due (connection_id, after_user, done)
         SELECT id, '', 0 FROM connection WHERE ($1::uuid IS NULL OR id = $1)
            AND EXISTS (SELECT 1 FROM unification WHERE rule_version > 0)
            AND EXISTS (SELECT 1 FROM community_user WHERE connection_id = connection.id) ORDER BY id
         ON CONFLICT (connection_id) DO UPDATE SET after_user = '', done = 0",
    )
    .bind(connection.map(|connection| connection.0))
    .execute(write)
    .await
    .map(|_| ())
    .map_err(database)
}

/// A member is due. False if there is no such member.
async fn mark(
    write: &mut PgConnection,
    connection: ConnectionId,
    community_user_id: &str,
) -> Result<bool, StoreError> {
    let marked = sqlx::query(
        "INSERT INTO match_due AS due (connection_id, community_user_id)
         SELECT connection_id, community_user_id FROM community_user
         WHERE connection_id = $1 AND community_user_id = $2 FOR KEY SHARE
         ON CONFLICT (connection_id, community_user_id) DO UPDATE SET marks = due.marks + 1",
    )
    .bind(connection.0)
    .bind(community_user_id)
    .execute(&mut *write)
    .await
    .map_err(database)?;
    Ok(marked.rows_affected() == 1)
}

/// Whether the lease still holds, and the run is to stop. Nobody claims the run until the transaction ends.
pub(crate) async fn pass_fence(
    write: &mut PgConnection,
    lease: &Lease,
    connection: ConnectionId,
) -> Result<bool, Fenced> {
    let run = sqlx::query(
        "SELECT stop_requested FROM run
         WHERE id = $1 AND fencing_token = $2 AND state = 'running' AND connection_id = $3 FOR NO KEY UPDATE",
    )
    .bind(lease.run_id.0)
    .bind(lease.fencing_token)
    .bind(connection.0)
    .fetch_optional(&mut *write)
    .await
    .map_err(database)?
    .ok_or(Fenced::LeaseLost)?;
    Ok(run.flag("stop_requested")?)
}

/// What was decided by an older revision may be written if a pass over all is yet to reach it, or a sweep for all that has
/// changed since. Companies, persons and rules stay as they are until the transaction ends.
async fn is_current(write: &mut PgConnection, commit: &MatchCommit) -> Result<bool, StoreError> {
    let revision: Option<i64> = sqlx::query_scalar("SELECT revision FROM unification FOR SHARE")
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
    if revision == Some(commit.revision.number) {
        return Ok(true);
    }
    let Some(first) = commit.page.members.first().filter(|_| commit.page.pass.is_none()) else {
        return Ok(false);
    };
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM match_all_due WHERE connection_id = $1 AND after_user < $2)
            OR EXISTS (SELECT 1 FROM match_sweep_due
                WHERE connection_id = $1 AND after_user < $2 AND since_revision <= $3)",
    )
    .bind(commit.connection_id.0)
    .bind(&first.member.community_user_id)
    .bind(commit.revision.number)
    .fetch_one(write)
    .await
    .map_err(database)
}

/// A pass moves on, or ends after its last page. False if somebody else has moved it, or matched members since its page was read
/// who may be among those of the page.
async fn step_pass(write: &mut PgConnection, commit: &MatchCommit) -> Result<bool, StoreError> {
    let Some(pass) = &commit.page.pass else {
        sqlx::query("UPDATE match_all_due SET marks_taken = marks_taken + 1 WHERE connection_id = $1")
            .bind(commit.connection_id.0)
            .execute(&mut *write)
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
    let moved = step.execute(&mut *write).await.map_err(database)?;
    Ok(moved.rows_affected() == 1)
}

async fn write_changed(write: &mut PgConnection, commit: &MatchCommit) -> Result<(), StoreError> {
    if commit.changed.is_empty() {
        return Ok(());
    }
    let new = &commit.changed;
    let words = |of: fn(&Match) -> &'static str| new.iter().map(|new| of(&new.outcome)).collect::<Vec<_>>();
    let texts = |of: fn(&Match) -> Option<&str>| new.iter().map(|new| of(&new.outcome)).collect::<Vec<_>>();
    let lists = |of: fn(&Match) -> Result<String, StoreError>| {
        new.iter()
            .map(|new| of(&new.outcome))
            .collect::<Result<Vec<_>, _>>()
    };
    sqlx::query(AssertSqlSafe(format!(
        "WITH given AS MATERIALIZED (SELECT * FROM {GIVEN}), {KEEP_FORMER} {WRITE}"
    )))
    .bind(commit.connection_id.0)
    .bind(
        new.iter()
            .map(|new| new.community_user_id.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(words(|outcome| outcome.status.as_str()))
    .bind(words(|outcome| outcome.decided_by.as_str()))
    .bind(texts(|outcome| outcome.rule.as_deref()))
    .bind(texts(|outcome| outcome.person_external_id.as_deref()))
    .bind(texts(|outcome| outcome.company_external_id.as_deref()))
    .bind(lists(|outcome| json_text(&outcome.values))?)
    .bind(lists(|outcome| json_text(&outcome.candidates))?)
    .bind(texts(|outcome| outcome.why_not.map(WhyNot::as_str)))
    .bind(texts(|outcome| outcome.domain.as_deref()))
    .bind(micros(commit.at))
    .bind(commit.revision.rule_version)
    .execute(write)
    .await
    .map(|_| ())
    .map_err(database)
}

async fn take_marks(write: &mut PgConnection, commit: &MatchCommit) -> Result<(), StoreError> {
    let members = commit.page.members.iter();
    let (ids, marks): (Vec<&str>, Vec<i64>) = members
        .filter_map(|due| Some((due.member.community_user_id.as_str(), due.marks?)))
        .unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(TAKE_MARKS)
        .bind(commit.connection_id.0)
        .bind(ids)
        .bind(marks)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

/// How the connection of a run that ends stands.
pub(crate) async fn count_matches(
    write: &mut PgConnection,
    run: RunId,
    connection: uuid::Uuid,
) -> Result<(), StoreError> {
    let row = sqlx::query(COUNT_MATCHES)
        .bind(connection)
        .fetch_one(&mut *write)
        .await
        .map_err(database)?;
    let counts = read_counts(&row)?;
    sqlx::query("UPDATE run SET matched = $2, unmatched = $3, ambiguous = $4, internal = $5 WHERE id = $1")
        .bind(run.0)
        .bind(count(counts.matched)?)
        .bind(count(counts.unmatched)?)
        .bind(count(counts.ambiguous)?)
        .bind(count(counts.internal)?)
        .execute(&mut *write)
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
