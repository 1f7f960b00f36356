//! Members without a company, and tickets of them.

use async_trait::async_trait;
use domain::unification::WhyNot;
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};
use store::{
    By, Deed, FailedFilter, FailedGroup, FailedMember, FailedStore, NewTicket, StoreError, Ticket, targets,
};

use crate::{
    SqliteStore,
    audit::append,
    column::{Columns, count, micros},
    error::database,
};

/// The members that a filter means, which is bound as the first five values.
const FAILED: &str = "FROM member_match AS stands
    CROSS JOIN community_user AS member
        ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
    CROSS JOIN connection ON connection.id = stands.connection_id
    WHERE stands.status IN ('unmatched', 'ambiguous') AND member.deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)
        AND ($1 IS NULL OR stands.connection_id = $1)
        AND COALESCE(stands.why_not = $2, stands.why_not <> 'unlinked_by_hand')
        AND ($3 IS NULL OR stands.domain = $3) AND ($4 IS NULL OR stands.rule = $4)
        AND ($5 IS NULL OR stands.decided_at >= $5)";

/// The newest ticket that holds the member, unless the member was matched since.
const TICKET: &str =
    "(SELECT MAX(number) FROM ticket_member AS held CROSS JOIN ticket ON ticket.number = held.ticket_number
        WHERE held.connection_id = stands.connection_id AND held.community_user_id = stands.community_user_id
            AND NOT EXISTS (SELECT 1 FROM member_match_history AS former
                WHERE former.connection_id = stands.connection_id
                    AND former.community_user_id = stands.community_user_id
                    AND former.status IN ('matched', 'internal') AND former.until > ticket.created_at))";

const TICKETS: &str = "SELECT number, created_by, created_at, rule_version, selection,
        (SELECT COUNT(*) FROM ticket_member WHERE ticket_number = number) AS members
    FROM ticket";

const MEMBER_COLUMNS: &str = "connection.tenant_id, member.community_user_id, member.username, member.email,
        member.company_custom";

/// A query with a filter's values bound.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.connection.map(|id| id.0))
            .bind($filter.why.map(WhyNot::as_str))
            .bind($filter.domain.clone())
            .bind($filter.rule.clone())
            .bind($filter.since.map(micros))
    };
}

#[async_trait]
impl FailedStore for SqliteStore {
    async fn failed_groups(&self, filter: &FailedFilter, limit: u32) -> Result<Vec<FailedGroup>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT why_not, cause_domain, COUNT(*) AS members
             FROM (SELECT stands.why_not, CASE WHEN stands.why_not = 'domain_unknown' THEN stands.domain END AS cause_domain
                {FAILED}) AS failed
             GROUP BY why_not, cause_domain ORDER BY members DESC, why_not, cause_domain LIMIT $6"
        ));
        let rows = filtered!(sqlx::query(query), filter)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        let group = |row: &SqliteRow| {
            Ok(FailedGroup {
                why: row.word("why_not", WhyNot::parse)?,
                domain: row.optional_text("cause_domain")?,
                members: row.unsigned("members")?,
            })
        };
        rows.iter().map(group).collect()
    }

    async fn failed_count(&self, filter: &FailedFilter) -> Result<u64, StoreError> {
        let query = AssertSqlSafe(format!("SELECT COUNT(*) AS members {FAILED}"));
        let row = filtered!(sqlx::query(query), filter)
            .fetch_one(self.readers())
            .await
            .map_err(database)?;
        row.unsigned("members")
    }

    async fn failed_members(
        &self,
        filter: &FailedFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, stands.why_not, stands.domain, stands.rule, stands.candidates,
                stands.decided_at AS since, {TICKET} AS ticket
             {FAILED} ORDER BY connection.tenant_id, stands.community_user_id LIMIT $6 OFFSET $7"
        ));
        let rows = filtered!(sqlx::query(query), filter)
            .bind(i64::from(limit))
            .bind(count(offset)?)
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_member).collect()
    }

    async fn create_ticket(&self, new: &NewTicket, by: &By) -> Result<Option<Ticket>, StoreError> {
        let mut transaction = self.begin().await?;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO ticket (created_by, created_at, rule_version, selection)
             SELECT $1, $2, COALESCE((SELECT rule_version FROM unification), 0), $3 RETURNING number",
        )
        .bind(&new.by)
        .bind(micros(new.at))
        .bind(&new.selection)
        .fetch_one(&mut *transaction)
        .await
        .map_err(database)?;
        let query = AssertSqlSafe(format!(
            "INSERT INTO ticket_member (ticket_number, connection_id, community_user_id, why_not, domain, rule)
             SELECT $6, stands.connection_id, stands.community_user_id, stands.why_not, stands.domain, stands.rule {FAILED}"
        ));
        let held = filtered!(sqlx::query(query), new.filter)
            .bind(number)
            .execute(&mut *transaction)
            .await
            .map_err(database)?;
        if held.rows_affected() == 0 {
            // Dropped, the transaction is rolled back.
            return Ok(None);
        }
        append(
            &mut transaction,
            by,
            Deed::TicketCreated,
            Some(targets::ticket(number)),
        )
        .await?;
        transaction.commit().await.map_err(database)?;
        self.ticket(number).await
    }

    async fn ticket(&self, number: i64) -> Result<Option<Ticket>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{TICKETS} WHERE number = $1")))
            .bind(number)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_ticket).transpose()
    }

    async fn tickets(&self, limit: u32) -> Result<Vec<Ticket>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!("{TICKETS} ORDER BY number DESC LIMIT $1")))
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_ticket).collect()
    }

    async fn ticket_members(
        &self,
        number: i64,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, held.why_not, held.domain, held.rule, '[]' AS candidates,
                ticket.created_at AS since, ticket.number AS ticket
             FROM ticket_member AS held CROSS JOIN ticket ON ticket.number = held.ticket_number
             CROSS JOIN community_user AS member
                ON member.connection_id = held.connection_id AND member.community_user_id = held.community_user_id
             CROSS JOIN connection ON connection.id = held.connection_id
             WHERE held.ticket_number = $1
             ORDER BY connection.tenant_id, held.community_user_id LIMIT $2 OFFSET $3"
        )))
        .bind(number)
        .bind(i64::from(limit))
        .bind(count(offset)?)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_member).collect()
    }
}

fn read_member(row: &SqliteRow) -> Result<FailedMember, StoreError> {
    Ok(FailedMember {
        tenant_id: row.text("tenant_id")?,
        community_user_id: row.text("community_user_id")?,
        username: row.text("username")?,
        email: row.optional_text("email")?,
        company_custom: row.optional_text("company_custom")?,
        why: row.word("why_not", WhyNot::parse)?,
        domain: row.optional_text("domain")?,
        rule: row.optional_text("rule")?,
        candidates: row.json("candidates")?,
        since: row.time("since")?,
        ticket: row
            .optional_unsigned("ticket")?
            .and_then(|number| i64::try_from(number).ok()),
    })
}

fn read_ticket(row: &SqliteRow) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        number: row.int("number")?,
        by: row.text("created_by")?,
        at: row.time("created_at")?,
        rule_version: row.int("rule_version")?,
        selection: row.text("selection")?,
        members: row.unsigned("members")?,
    })
}
