//! What people look up.

use async_trait::async_trait;
use domain::unification::{Company, Person};
use sqlx::AssertSqlSafe;
use store::{
    FoundCompany, FoundPage, LinkedMember, LookUpStore, PartyCounts, Search, StoreError, TiedMember,
    like_pattern,
};
use store_columns::{
    Columns,
    companies::{read_company, read_person},
    look_up::{found, read_found_company, read_linked, read_tied},
};

use crate::{PostgresStore, companies::COMPANY, error::database};

/// Parts of names and domains are compared without case, external ids as they are.
const COMPANIES_FOUND: &str = "SELECT company.external_id, company.name, company.domains, company.parent_external_id,
        COUNT(*) OVER () AS total,
        (SELECT COUNT(*) FROM member_match AS stands JOIN community_user AS member
            ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
         WHERE stands.company_external_id = company.external_id AND member.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)) AS members
    FROM company
    WHERE $1 = '' OR company.external_id = $1 OR lower(company.name) LIKE $2 ESCAPE '\\'
        OR lower(company.domains) LIKE $2 ESCAPE '\\'
    ORDER BY company.name COLLATE \"C\", company.external_id LIMIT $3 OFFSET $4";

const PERSONS_FOUND: &str = "SELECT external_id, email, first_name, last_name, phone, company_external_id, active,
        COUNT(*) OVER () AS total
    FROM person
    WHERE $1 = '' OR external_id = $1 OR company_external_id = $1 OR lower(email) LIKE $2 ESCAPE '\\'
        OR lower(COALESCE(first_name, '') || ' ' || COALESCE(last_name, '')) LIKE $2 ESCAPE '\\'
    ORDER BY COALESCE(last_name, '') COLLATE \"C\", COALESCE(first_name, '') COLLATE \"C\", external_id LIMIT $3 OFFSET $4";

const MEMBERS_OF_COMPANY: &str =
    "SELECT connection.tenant_id, member.community_user_id, member.username, member.email,
        stands.decided_by, stands.rule, COUNT(*) OVER () AS total
    FROM member_match AS stands
    JOIN community_user AS member
        ON member.connection_id = stands.connection_id AND member.community_user_id = stands.community_user_id
    JOIN connection ON connection.id = stands.connection_id
    WHERE stands.company_external_id = $1 AND member.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM member_left AS gone
            WHERE gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id)
    ORDER BY connection.tenant_id COLLATE \"C\", member.community_user_id COLLATE \"C\" LIMIT $2 OFFSET $3";

const MEMBERS_BY_RULE: &str = "SELECT stands.rule, COUNT(*) AS members FROM member_match AS stands
    LEFT JOIN community_user AS gone
        ON gone.connection_id = stands.connection_id AND gone.community_user_id = stands.community_user_id
            AND gone.deleted_at IS NOT NULL
    WHERE stands.status = 'matched' AND stands.rule IS NOT NULL AND gone.connection_id IS NULL
        AND NOT EXISTS (SELECT 1 FROM member_left
            WHERE member_left.connection_id = stands.connection_id
                AND member_left.community_user_id = stands.community_user_id)
    GROUP BY stands.rule ORDER BY stands.rule COLLATE \"C\"";

/// Names are read for the rows of the page alone.
const LINKS_BY_HAND: &str = "SELECT connection.tenant_id, link.community_user_id, member.username, member.email,
        link.company_external_id, link.person_external_id, link.reason, link.linked_by, link.linked_at,
        COUNT(*) OVER () AS total,
        (SELECT name FROM company WHERE external_id = link.company_external_id) AS company_name
    FROM member_link AS link
    JOIN community_user AS member
        ON member.connection_id = link.connection_id AND member.community_user_id = link.community_user_id
    JOIN connection ON connection.id = link.connection_id
    WHERE member.deleted_at IS NULL
    ORDER BY link.linked_at DESC, connection.tenant_id COLLATE \"C\", link.community_user_id LIMIT $1 OFFSET $2";

#[async_trait]
impl LookUpStore for PostgresStore {
    async fn find_companies(&self, search: &Search) -> Result<FoundPage<FoundCompany>, StoreError> {
        let rows = sqlx::query(COMPANIES_FOUND)
            .bind(&search.text)
            .bind(like_pattern(&search.text))
            .bind(i64::from(search.limit))
            .bind(offset(search.offset))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        found(&rows, read_found_company)
    }

    async fn find_persons(&self, search: &Search) -> Result<FoundPage<Person>, StoreError> {
        let rows = sqlx::query(PERSONS_FOUND)
            .bind(&search.text)
            .bind(like_pattern(&search.text))
            .bind(i64::from(search.limit))
            .bind(offset(search.offset))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        found(&rows, read_person)
    }

    async fn party_counts(&self) -> Result<PartyCounts, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM company) AS companies, (SELECT COUNT(*) FROM person) AS persons",
        )
        .fetch_one(self.readers())
        .await
        .map_err(database)?;
        Ok(PartyCounts {
            companies: row.unsigned("companies")?,
            persons: row.unsigned("persons")?,
        })
    }

    async fn companies_below(&self, external_id: &str) -> Result<Vec<Company>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "{COMPANY} WHERE parent_external_id = $1 ORDER BY name COLLATE \"C\", external_id"
        )))
        .bind(external_id)
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_company).collect()
    }

    async fn members_of_company(
        &self,
        external_id: &str,
        first: u64,
        limit: u32,
    ) -> Result<FoundPage<TiedMember>, StoreError> {
        let rows = sqlx::query(MEMBERS_OF_COMPANY)
            .bind(external_id)
            .bind(i64::from(limit))
            .bind(offset(first))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        found(&rows, read_tied)
    }

    async fn members_by_rule(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query(MEMBERS_BY_RULE)
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter()
            .map(|row| Ok((row.text("rule")?, row.unsigned("members")?)))
            .collect()
    }

    async fn links_by_hand(&self, first: u64, limit: u32) -> Result<FoundPage<LinkedMember>, StoreError> {
        let rows = sqlx::query(LINKS_BY_HAND)
            .bind(i64::from(limit))
            .bind(offset(first))
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        found(&rows, read_linked)
    }
}

/// No list is longer than that.
pub(crate) fn offset(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
