//! Members' ties to companies.

use domain::{
    MatchCounts,
    unification::{self, DecidedBy, LeftBecause, Match, MatchStatus, Member, WhyNot},
};
use store::{
    DueMember, FormerMatch, FormerlyLeft, Left, Link, MemberTie, PassPage, Revision, Stays, StoreError,
    StoredMatch,
};

use crate::Columns;

pub fn read_counts(row: &impl Columns) -> Result<MatchCounts, StoreError> {
    Ok(MatchCounts {
        matched: row.unsigned("matched")?,
        unmatched: row.unsigned("unmatched")?,
        ambiguous: row.unsigned("ambiguous")?,
        internal: row.unsigned("internal")?,
    })
}

pub fn read_revision(row: &impl Columns) -> Result<Revision, StoreError> {
    Ok(Revision {
        number: row.int("revision")?,
        rule_version: row.int("rule_version")?,
    })
}

pub fn read_pass(row: &impl Columns) -> Result<PassPage, StoreError> {
    Ok(PassPage {
        after: row.text("after_user")?,
        marks_taken: row.int("marks_taken")?,
    })
}

/// A member as rules see it.
pub fn read_fields(row: &impl Columns) -> Result<Member, StoreError> {
    Ok(Member {
        tenant_id: row.text("tenant_id")?,
        community_user_id: row.text("community_user_id")?,
        username: row.text("username")?,
        email: row.optional_text("email")?,
        first_name: row.optional_text("first_name")?,
        last_name: row.optional_text("last_name")?,
        phone: row.optional_text("phone")?,
        company_custom: row.optional_text("company_custom")?,
        sso_id: row.optional_text("sso_id")?,
        roles: row.json("roles")?,
    })
}

pub fn read_member(row: &impl Columns) -> Result<DueMember, StoreError> {
    let before = match row.optional_text("status")? {
        Some(_) => Some(read_match(row)?),
        None => None,
    };
    let link = match row.optional_text("link_reason")? {
        Some(reason) => Some(Link {
            company_external_id: row.optional_text("link_company")?,
            person_external_id: row.optional_text("link_person")?,
            reason,
            by: row.text("linked_by")?,
            at: row.time("linked_at")?,
        }),
        None => None,
    };
    Ok(DueMember {
        member: read_fields(row)?,
        marks: row.optional_int("marks")?,
        before,
        link,
        counts: row.flag("counts")?,
        deleted: row.flag("deleted")?,
        left: match row.optional_word("left_because", LeftBecause::parse)? {
            Some(because) => Some(unification::Left {
                since: row.time("left_at")?,
                because,
            }),
            None => None,
        },
        stays: row.flag("stays")?,
    })
}

pub fn read_tie(
    row: &impl Columns,
    former: &[impl Columns],
    formerly_left: &[impl Columns],
) -> Result<MemberTie, StoreError> {
    let due = read_member(row)?;
    let left = match due.left {
        Some(_) => Some(read_left(row)?),
        None => None,
    };
    let stays = match row.optional_text("stays_reason")? {
        Some(reason) => Some(Stays {
            reason,
            by: row.text("said_by")?,
            at: row.time("said_at")?,
        }),
        None => None,
    };
    Ok(MemberTie {
        stored: match due.before {
            Some(_) => Some(read_stored(row)?),
            None => None,
        },
        due,
        left,
        stays,
        formerly_left: formerly_left
            .iter()
            .map(read_time_away)
            .collect::<Result<_, _>>()?,
        deleted_at: row.optional_time("deleted_at")?,
        history: former.iter().map(read_former).collect::<Result<_, _>>()?,
    })
}

fn read_time_away(row: &impl Columns) -> Result<FormerlyLeft, StoreError> {
    Ok(FormerlyLeft {
        left: read_left(row)?,
        until: row.time("until")?,
    })
}

fn read_former(row: &impl Columns) -> Result<FormerMatch, StoreError> {
    Ok(FormerMatch {
        stored: read_stored(row)?,
        until: row.time("until")?,
    })
}

fn read_left(row: &impl Columns) -> Result<Left, StoreError> {
    Ok(Left {
        because: row.word("left_because", LeftBecause::parse)?,
        reason: row.text("left_reason")?,
        by: row.text("left_by")?,
        at: row.time("left_at")?,
    })
}

fn read_stored(row: &impl Columns) -> Result<StoredMatch, StoreError> {
    Ok(StoredMatch {
        outcome: read_match(row)?,
        rule_version: row.int("rule_version")?,
        decided_at: row.time("decided_at")?,
    })
}

fn read_match(row: &impl Columns) -> Result<Match, StoreError> {
    Ok(Match {
        status: row.word("status", MatchStatus::parse)?,
        decided_by: row.word("decided_by", DecidedBy::parse)?,
        rule: row.optional_text("rule")?,
        person_external_id: row.optional_text("person_external_id")?,
        company_external_id: row.optional_text("company_external_id")?,
        values: row.json("compared")?,
        candidates: row.json("candidates")?,
        why_not: row.optional_word("why_not", WhyNot::parse)?,
        domain: row.optional_text("domain")?,
    })
}
