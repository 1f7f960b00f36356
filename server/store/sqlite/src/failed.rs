//! Members without a company, and tickets of them.

use async_trait::async_trait;
use domain::unification::{CauseGroup, WhyNot};
use sqlx::AssertSqlSafe;
use store::{
    By, Deed, FailedFilter, FailedMember, FailedStore, FoundPage, NewTicket, StoreError, Ticket, TicketPost,
    targets,
};
use store_columns::{
    Columns,
    failed::{read_group, read_member, read_post, read_ticket},
    json_text,
    look_up::found,
    micros,
};

use crate::{SqliteStore, audit::append, error::database, look_up::offset};

/// The members that a filter means, of whatever cause. The filter is bound as the first six values.
const OF_ANY_CAUSE: &str = "FROM member_match AS stands
    CROSS JOIN community_user AS member
        ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
    CROSS JOIN connection ON connection.id = stands.connection_id
    WHERE stands.status IN ('unmatched', 'ambiguous') AND member.deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)
        AND ($1 IS NULL OR stands.connection_id = $1)
        AND ($3 IS NULL OR stands.domain = $3) AND ($4 IS NULL OR stands.rule = $4)
        AND ($5 IS NULL OR stands.decided_at >= $5)
        AND ($6 IS NULL OR EXISTS (SELECT 1 FROM json_each($6) AS one
            WHERE one.value ->> 0 = connection.tenant_id AND one.value ->> 1 = stands.community_user_id))";

/// Of these, those of the filter's cause.
const OF_CAUSE: &str = "AND COALESCE(stands.why_not = $2, stands.why_not <> 'unlinked_by_hand')";

/// The member has had no company since the ticket was made.
const STILL: &str = "NOT EXISTS (SELECT 1 FROM member_match_history AS former
        WHERE former.connection_id = held.connection_id AND former.community_user_id = held.community_user_id
            AND former.status IN ('matched', 'internal') AND former.until > ticket.created_at)";

/// The newest ticket that holds the member, unless the member was matched since.
const TICKET: &str =
    "SELECT MAX(ticket.number) FROM ticket_member AS held CROSS JOIN ticket ON ticket.number = held.ticket_number
        WHERE held.connection_id = stands.connection_id AND held.community_user_id = stands.community_user_id";

const MEMBER_COLUMNS: &str = "connection.tenant_id, member.community_user_id, member.username, member.email,
        member.first_name, member.last_name, member.phone, member.company_custom, member.sso_id, member.roles";

/// Tickets with how many of their members are there, and still have no company: counted for those that are asked for alone.
fn tickets(and: &str) -> String {
    format!(
        "SELECT number, created_by, created_at, rule_version, selection, (SELECT COUNT(*) FROM ticket) AS total,
            (SELECT COUNT(*) FROM ticket_member WHERE ticket_number = number) AS members,
            (SELECT COUNT(*) FROM ticket_member AS held CROSS JOIN member_match AS stands
                ON stands.connection_id = held.connection_id AND stands.community_user_id = held.community_user_id
             WHERE held.ticket_number = number AND stands.status IN ('unmatched', 'ambiguous') AND {STILL}) AS open
         FROM ticket {and}"
    )
}

/// A query with a filter's values bound.
macro_rules! filtered {
    ($query:expr, $filter:expr) => {
        $query
            .bind($filter.connection.map(|id| id.0))
            .bind($filter.why.map(WhyNot::as_str))
            .bind($filter.domain.clone())
            .bind($filter.rule.clone())
            .bind($filter.since.map(micros))
            .bind($filter.only.as_ref().map(json_text).transpose()?)
    };
}

#[async_trait]
impl FailedStore for SqliteStore {
    async fn failed_groups(&self, filter: &FailedFilter, limit: u32) -> Result<Vec<CauseGroup>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT why_not, cause_domain, COUNT(*) AS members
             FROM (SELECT stands.why_not,
                    CASE WHEN stands.why_not IN ('domain_unknown', 'ambiguous') THEN stands.domain END AS cause_domain
                {OF_ANY_CAUSE} {OF_CAUSE}) AS failed
             GROUP BY why_not, cause_domain ORDER BY members DESC, why_not, cause_domain LIMIT $7"
        ));
        let rows = filtered!(sqlx::query(query), filter)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_group).collect()
    }

    async fn failed_causes(&self, filter: &FailedFilter) -> Result<Vec<(WhyNot, u64)>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT stands.why_not, COUNT(*) AS members {OF_ANY_CAUSE}
             GROUP BY stands.why_not ORDER BY members DESC, stands.why_not"
        ));
        let rows = filtered!(sqlx::query(query), filter)
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter()
            .map(|row| Ok((row.word("why_not", WhyNot::parse)?, row.unsigned("members")?)))
            .collect()
    }

    async fn failed_count(&self, filter: &FailedFilter) -> Result<u64, StoreError> {
        let query = AssertSqlSafe(format!("SELECT COUNT(*) AS members {OF_ANY_CAUSE} {OF_CAUSE}"));
        let row = filtered!(sqlx::query(query), filter)
            .fetch_one(self.readers())
            .await
            .map_err(database)?;
        row.unsigned("members")
    }

    async fn failed_members(
        &self,
        filter: &FailedFilter,
        first: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        let query = AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, stands.why_not, stands.domain, stands.rule, stands.candidates,
                stands.decided_at AS since, ({TICKET} AND {STILL}) AS ticket
             {OF_ANY_CAUSE} {OF_CAUSE}
             ORDER BY connection.tenant_id, stands.community_user_id LIMIT $7 OFFSET $8"
        ));
        let rows = filtered!(sqlx::query(query), filter)
            .bind(i64::from(limit))
            .bind(offset(first))
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
             SELECT $7, stands.connection_id, stands.community_user_id, stands.why_not, stands.domain, stands.rule
             {OF_ANY_CAUSE} {OF_CAUSE}"
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
        let row = sqlx::query(AssertSqlSafe(tickets("WHERE number = $1")))
            .bind(number)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_ticket).transpose()
    }

    async fn tickets(&self, first: u64, limit: u32) -> Result<FoundPage<Ticket>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(tickets("ORDER BY number DESC LIMIT $1 OFFSET $2")))
            .bind(i64::from(limit))
            .bind(offset(first))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        found(&rows, read_ticket)
    }

    async fn ticket_members(
        &self,
        number: i64,
        first: u64,
        limit: u32,
    ) -> Result<Vec<FailedMember>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {MEMBER_COLUMNS}, held.why_not, held.domain, held.rule, ticket.created_at AS since,
                CASE WHEN stands.why_not = held.why_not THEN stands.candidates ELSE '[]' END AS candidates,
                CASE WHEN stands.status IN ('unmatched', 'ambiguous') AND {STILL} THEN ticket.number END AS ticket
             FROM ticket_member AS held CROSS JOIN ticket ON ticket.number = held.ticket_number
             CROSS JOIN community_user AS member
                ON member.connection_id = held.connection_id AND member.community_user_id = held.community_user_id
             CROSS JOIN connection ON connection.id = held.connection_id
             LEFT JOIN member_match AS stands
                ON stands.connection_id = held.connection_id AND stands.community_user_id = held.community_user_id
             WHERE held.ticket_number = $1
             ORDER BY connection.tenant_id, held.community_user_id LIMIT $2 OFFSET $3"
        )))
        .bind(number)
        .bind(i64::from(limit))
        .bind(offset(first))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_member).collect()
    }

    async fn keep_ticket_post(&self, number: i64, post: &TicketPost, by: &By) -> Result<(), StoreError> {
        let failure = post.failure.as_ref();
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO ticket_post (ticket_number, posted_by, posted_at, status, cause, owner, next_action)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(number)
        .bind(&post.by)
        .bind(micros(post.at))
        .bind(post.status.map(i64::from))
        .bind(failure.map(|failure| &failure.cause))
        .bind(failure.map(|failure| failure.owner.as_str()))
        .bind(failure.map(|failure| &failure.next_action))
        .execute(&mut *transaction)
        .await
        .map_err(database)?;
        append(
            &mut transaction,
            by,
            Deed::TicketPosted,
            Some(targets::ticket(number)),
        )
        .await?;
        transaction.commit().await.map_err(database)
    }

    async fn ticket_posts(&self, number: i64, limit: u32) -> Result<Vec<TicketPost>, StoreError> {
        let rows = sqlx::query(
            "SELECT posted_by, posted_at, status, cause, owner, next_action FROM ticket_post
             WHERE ticket_number = $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(number)
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_post).collect()
    }
}
