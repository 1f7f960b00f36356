//! Members whom no rule ties, and tickets about them.

use domain::{
    Owner,
    unification::{CauseGroup, Match, MatchStatus, WhyNot},
};
use store::{FailedMember, PostFailure, StoreError, Ticket, TicketPost};

use crate::{Columns, corrupt, matching::read_fields};

pub fn read_group(row: &impl Columns) -> Result<CauseGroup, StoreError> {
    Ok(CauseGroup {
        cause: row.word("why_not", WhyNot::parse)?,
        domain: row.optional_text("cause_domain")?,
        members: row.unsigned("members")?,
    })
}

pub fn read_member(row: &impl Columns) -> Result<FailedMember, StoreError> {
    let why = row.word("why_not", WhyNot::parse)?;
    Ok(FailedMember {
        member: read_fields(row)?,
        outcome: Match {
            status: if why == WhyNot::Ambiguous {
                MatchStatus::Ambiguous
            } else {
                MatchStatus::Unmatched
            },
            rule: row.optional_text("rule")?,
            candidates: row.json("candidates")?,
            why_not: Some(why),
            domain: row.optional_text("domain")?,
            ..Match::default()
        },
        since: row.time("since")?,
        ticket: row.optional_int("ticket")?,
    })
}

pub fn read_ticket(row: &impl Columns) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        number: row.int("number")?,
        by: row.text("created_by")?,
        at: row.time("created_at")?,
        rule_version: row.int("rule_version")?,
        selection: row.text("selection")?,
        members: row.unsigned("members")?,
        open: row.unsigned("open")?,
    })
}

pub fn read_post(row: &impl Columns) -> Result<TicketPost, StoreError> {
    let status = match row.optional_unsigned("status")? {
        Some(status) => Some(u16::try_from(status).map_err(|_| corrupt("status", &status.to_string()))?),
        None => None,
    };
    let failure = match row.optional_text("cause")? {
        Some(cause) => Some(PostFailure {
            cause,
            owner: row.word("owner", Owner::parse)?,
            next_action: row.text("next_action")?,
        }),
        None => None,
    };
    Ok(TicketPost {
        by: row.text("posted_by")?,
        at: row.time("posted_at")?,
        status,
        failure,
    })
}
