//! What members of companies do.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate};
use domain::unification::Company;
use store::{
    CompanyCount, CompanyMembers, DayCount, Days, EngagementStore, MemberEngagement, StoreError,
    TopicOfCompany,
};
use store_columns::{
    Columns,
    companies::read_company,
    engagement::{read_count, read_day_count, read_engagement, read_members, read_topic},
    json_text,
};

use crate::{SqliteStore, error::database};

/// Microseconds.
const DAY_US: i64 = 86_400_000_000;

/// UNION meets each once, so it ends even if parents go round.
const WITH_ALL_BELOW: &str = "WITH RECURSIVE below (external_id) AS (
        SELECT $1
        UNION
        SELECT company.external_id FROM below JOIN company ON company.parent_external_id = below.external_id)
    SELECT external_id, name, domains, parent_external_id FROM company
    WHERE external_id IN (SELECT external_id FROM below)
    ORDER BY external_id LIMIT $2";

const MEMBERS: &str = "SELECT stands.company_external_id, connection.tenant_id, connection.activity_source,
        COUNT(*) AS members
    FROM json_each($1) AS wanted CROSS JOIN member_match AS stands ON stands.company_external_id = wanted.value
    JOIN community_user AS member
        ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
    JOIN connection ON connection.id = stands.connection_id
    WHERE member.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_left AS gone
        WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)
    GROUP BY stands.company_external_id, connection.tenant_id, connection.activity_source
    ORDER BY stands.company_external_id, connection.tenant_id";

const COUNTS_BY_COMPANY: &str = "SELECT trend.company_external_id, trend.kind, NULLIF(trend.subtype, '') AS of_subtype,
        SUM(trend.count) AS count
    FROM json_each($1) AS wanted CROSS JOIN community_trend AS trend ON trend.company_external_id = wanted.value
    WHERE trend.company_external_id <> '' AND trend.day >= $2 AND trend.day < $3
    GROUP BY trend.company_external_id, trend.kind, trend.subtype
    ORDER BY trend.company_external_id, trend.kind, trend.subtype";

const COUNTS_BY_DAY: &str = "SELECT trend.day, trend.kind, SUM(trend.count) AS count
    FROM json_each($1) AS wanted CROSS JOIN community_trend AS trend ON trend.company_external_id = wanted.value
    WHERE trend.company_external_id <> '' AND trend.day >= $2 AND trend.day < $3
    GROUP BY trend.day, trend.kind ORDER BY trend.day, trend.kind";

/// Each is looked for in two indexes, and left at the first thing found.
const ACTIVE: &str = "SELECT stands.company_external_id, COUNT(*) AS members
    FROM json_each($1) AS wanted CROSS JOIN member_match AS stands ON stands.company_external_id = wanted.value
    JOIN community_user AS member
        ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
    WHERE member.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_left AS gone
        WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)
        AND (EXISTS (SELECT 1 FROM community_content AS object
                WHERE object.connection_id = stands.connection_id
                    AND object.author_user_id = stands.community_user_id AND object.posted_at >= $2
                    AND object.posted_at < $3 AND object.deleted_at IS NULL AND object.trashed = 0)
            OR EXISTS (SELECT 1 FROM community_activity AS object
                WHERE object.connection_id = stands.connection_id AND object.user_id = stands.community_user_id
                    AND object.occurred_at >= $2 AND object.occurred_at < $3 AND object.deleted_at IS NULL))
    GROUP BY stands.company_external_id ORDER BY stands.company_external_id";

const TOPICS: &str = "SELECT connection.tenant_id, object.public_id, object.subtype, object.title, object.permalink,
        object.author_username, object.posted_at, object.reply_count, object.votes, object.idea_status
    FROM json_each($1) AS wanted CROSS JOIN member_match AS stands ON stands.company_external_id = wanted.value
    JOIN community_content AS object
        ON object.connection_id = stands.connection_id AND object.author_user_id = stands.community_user_id
    JOIN connection ON connection.id = stands.connection_id
    WHERE object.kind = 'topic' AND object.deleted_at IS NULL AND object.trashed = 0
        AND ($2 = 0 OR object.subtype = 'idea') AND NOT EXISTS (SELECT 1 FROM member_left AS gone
        WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id AND gone.left_at <= object.posted_at)
    ORDER BY object.posted_at DESC, connection.tenant_id, object.public_id LIMIT $3";

const IDEAS_BY_STATUS: &str = "SELECT object.idea_status, COUNT(*) AS ideas
    FROM json_each($1) AS wanted CROSS JOIN member_match AS stands ON stands.company_external_id = wanted.value
    JOIN community_content AS object
        ON object.connection_id = stands.connection_id AND object.author_user_id = stands.community_user_id
    WHERE object.kind = 'topic' AND object.subtype = 'idea' AND object.deleted_at IS NULL
        AND object.trashed = 0 AND NOT EXISTS (SELECT 1 FROM member_left AS gone
        WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id AND gone.left_at <= object.posted_at)
    GROUP BY object.idea_status ORDER BY ideas DESC, object.idea_status";

const ENGAGEMENT: &str = "SELECT connection.tenant_id, member.community_user_id, member.last_activity_at,
        (SELECT COUNT(*) FROM community_content AS object
            WHERE object.connection_id = member.connection_id AND object.author_user_id = member.community_user_id
                AND object.posted_at >= $2 AND object.posted_at < $3 AND object.deleted_at IS NULL AND object.trashed = 0
                AND object.kind = 'topic' AND object.subtype <> 'idea') AS posts,
        (SELECT COUNT(*) FROM community_content AS object
            WHERE object.connection_id = member.connection_id AND object.author_user_id = member.community_user_id
                AND object.posted_at >= $2 AND object.posted_at < $3 AND object.deleted_at IS NULL AND object.trashed = 0
                AND object.kind = 'reply') AS replies,
        (SELECT COUNT(*) FROM community_content AS object
            WHERE object.connection_id = member.connection_id AND object.author_user_id = member.community_user_id
                AND object.posted_at >= $2 AND object.posted_at < $3 AND object.deleted_at IS NULL AND object.trashed = 0
                AND object.kind = 'topic' AND object.subtype = 'idea') AS ideas,
        (SELECT COUNT(*) FROM community_activity AS object
            WHERE object.connection_id = member.connection_id AND object.user_id = member.community_user_id
                AND object.occurred_at >= $2 AND object.occurred_at < $3 AND object.deleted_at IS NULL AND object.activity_type = 'view') AS views
    FROM json_each($1) AS wanted
    CROSS JOIN connection ON connection.tenant_id = wanted.value ->> 0
    CROSS JOIN community_user AS member
        ON member.connection_id = connection.id AND member.community_user_id = wanted.value ->> 1
    ORDER BY connection.tenant_id, member.community_user_id";

#[async_trait]
impl EngagementStore for SqliteStore {
    async fn company_with_all_below(
        &self,
        external_id: &str,
        limit: u32,
    ) -> Result<Vec<Company>, StoreError> {
        let rows = sqlx::query(WITH_ALL_BELOW)
            .bind(external_id)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_company).collect()
    }

    async fn members_by_company(&self, companies: &[String]) -> Result<Vec<CompanyMembers>, StoreError> {
        let rows = sqlx::query(MEMBERS)
            .bind(json_text(&companies)?)
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_members).collect()
    }

    async fn counts_by_company(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<CompanyCount>, StoreError> {
        let rows = sqlx::query(COUNTS_BY_COMPANY)
            .bind(json_text(&companies)?)
            .bind(number(days.from))
            .bind(number(days.until))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_count).collect()
    }

    async fn counts_by_day(&self, companies: &[String], days: Days) -> Result<Vec<DayCount>, StoreError> {
        let rows = sqlx::query(COUNTS_BY_DAY)
            .bind(json_text(&companies)?)
            .bind(number(days.from))
            .bind(number(days.until))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_day_count).collect()
    }

    async fn active_members(
        &self,
        companies: &[String],
        days: Days,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query(ACTIVE)
            .bind(json_text(&companies)?)
            .bind(start(days.from))
            .bind(start(days.until))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter()
            .map(|row| Ok((row.text("company_external_id")?, row.unsigned("members")?)))
            .collect()
    }

    async fn latest_topics(
        &self,
        companies: &[String],
        ideas_only: bool,
        limit: u32,
    ) -> Result<Vec<TopicOfCompany>, StoreError> {
        let rows = sqlx::query(TOPICS)
            .bind(json_text(&companies)?)
            .bind(ideas_only)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_topic).collect()
    }

    async fn ideas_by_status(&self, companies: &[String]) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        let rows = sqlx::query(IDEAS_BY_STATUS)
            .bind(json_text(&companies)?)
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter()
            .map(|row| Ok((row.optional_text("idea_status")?, row.unsigned("ideas")?)))
            .collect()
    }

    async fn engagement_of(
        &self,
        members: &[(String, String)],
        days: Days,
    ) -> Result<Vec<MemberEngagement>, StoreError> {
        let rows = sqlx::query(ENGAGEMENT)
            .bind(json_text(&members)?)
            .bind(start(days.from))
            .bind(start(days.until))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read_engagement).collect()
    }
}

/// The beginning of a day, as times are stored.
pub(crate) fn start(day: NaiveDate) -> i64 {
    number(day) * DAY_US
}

/// A day as trends have it, counted from 1970-01-01.
fn number(day: NaiveDate) -> i64 {
    (day - DateTime::UNIX_EPOCH.date_naive()).num_days()
}
