//! What the members of companies do.

use domain::ActivitySource;
use store::{CompanyCount, CompanyMembers, DayCount, MemberEngagement, StoreError, TopicOfCompany};

use crate::Columns;

pub fn read_members(row: &impl Columns) -> Result<CompanyMembers, StoreError> {
    Ok(CompanyMembers {
        company_external_id: row.text("company_external_id")?,
        tenant_id: row.text("tenant_id")?,
        activity_source: row.optional_word("activity_source", ActivitySource::parse)?,
        members: row.unsigned("members")?,
    })
}

pub fn read_count(row: &impl Columns) -> Result<CompanyCount, StoreError> {
    Ok(CompanyCount {
        company_external_id: row.text("company_external_id")?,
        kind: row.text("kind")?,
        subtype: row.optional_text("of_subtype")?,
        count: row.unsigned("count")?,
    })
}

pub fn read_day_count(row: &impl Columns) -> Result<DayCount, StoreError> {
    Ok(DayCount {
        day: row.day("day")?,
        kind: row.text("kind")?,
        count: row.unsigned("count")?,
    })
}

pub fn read_engagement(row: &impl Columns) -> Result<MemberEngagement, StoreError> {
    Ok(MemberEngagement {
        tenant_id: row.text("tenant_id")?,
        community_user_id: row.text("community_user_id")?,
        posts: row.unsigned("posts")?,
        replies: row.unsigned("replies")?,
        ideas: row.unsigned("ideas")?,
        views: row.unsigned("views")?,
        last_active_at: row.optional_time("last_activity_at")?,
    })
}

pub fn read_topic(row: &impl Columns) -> Result<TopicOfCompany, StoreError> {
    Ok(TopicOfCompany {
        tenant_id: row.text("tenant_id")?,
        public_id: row.text("public_id")?,
        subtype: row.text("subtype")?,
        title: row.optional_text("title")?,
        permalink: row.optional_text("permalink")?,
        author: row.optional_text("author_username")?,
        posted_at: row.time("posted_at")?,
        replies: row.unsigned("reply_count")?,
        votes: row.int("votes")?,
        idea_status: row.optional_text("idea_status")?,
    })
}
