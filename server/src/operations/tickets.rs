//! Members without a company, handed on: which are chosen, one document of them, and rows for a sheet.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ConnectionId,
    unification::{self, TICKET_COLUMNS, TicketHead, WhyNot, ticket_reference, ticket_row},
};
use futures_util::{Stream, stream};
use store::{Cell, FailedFilter, FailedMember, Field, FieldKind, Store, StoreError, Ticket};

use crate::{
    export::{EncodeError, Encoder, Layout},
    output::counted,
};

/// Members in memory at once while a ticket is written: some megabytes.
const MEMBERS_AT_ONCE: u32 = 10_000;

/// The sheet's columns, as exports describe theirs.
static FIELDS: [Field; TICKET_COLUMNS.len()] = {
    let mut fields = [Field {
        name: "",
        kind: FieldKind::Text,
    }; TICKET_COLUMNS.len()];
    let mut place = 0;
    while place < fields.len() {
        fields[place].name = TICKET_COLUMNS[place];
        place += 1;
    }
    fields
};

/// Which members without a company are chosen, as people say it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    /// With the tenant's name.
    pub(crate) connection: Option<(ConnectionId, String)>,
    pub(crate) cause: Option<WhyNot>,
    pub(crate) domain: Option<String>,
    pub(crate) rule: Option<String>,
    /// Those who have stood so for at most so many days.
    pub(crate) days: Option<u32>,
    /// Of these, none but those who were ticked, by tenant and id.
    pub(crate) only: Option<Vec<(String, String)>>,
}

impl Chosen {
    pub(crate) fn filter(&self, now: DateTime<Utc>) -> FailedFilter {
        FailedFilter {
            connection: self.connection.as_ref().map(|(id, _)| *id),
            why: self.cause,
            domain: self.domain.clone(),
            rule: self.rule.clone(),
            since: self
                .days
                .and_then(|days| now.checked_sub_signed(TimeDelta::days(i64::from(days)))),
            only: self.only.clone(),
        }
    }

    /// The same in words, such as `tenant customer-en, domain acme.io`.
    pub(crate) fn words(&self) -> String {
        let parts = [
            self.only
                .as_ref()
                .map(|only| format!("{} one by one", counted(only.len() as u64, "member", "members"))),
            self.connection
                .as_ref()
                .map(|(_, tenant)| format!("tenant {tenant}")),
            self.days
                .map(|days| format!("of the last {}", counted(u64::from(days), "day", "days"))),
            self.cause.map(|cause| format!("cause {}", cause.as_str())),
            self.domain.as_ref().map(|domain| format!("domain {domain}")),
            self.rule.as_ref().map(|rule| format!("rule {rule}")),
        ];
        let words: Vec<_> = parts.into_iter().flatten().collect();
        if words.is_empty() {
            "all members".to_owned()
        } else {
            words.join(", ")
        }
    }
}

/// Reads the members of a ticket, some at a time, with the cause as it was then.
pub(crate) async fn each_member(
    store: &dyn Store,
    number: i64,
    take: &mut (dyn FnMut(&FailedMember) + Send),
) -> Result<(), StoreError> {
    let mut read = 0;
    loop {
        let page = store.ticket_members(number, read, MEMBERS_AT_ONCE).await?;
        page.iter().for_each(&mut *take);
        read += page.len() as u64;
        if page.len() < MEMBERS_AT_ONCE as usize {
            return Ok(());
        }
    }
}

/// A ticket's document without its members, which are added to it.
pub(crate) async fn opened(store: &dyn Store, ticket: &Ticket) -> Result<unification::Ticket, StoreError> {
    let rules = store.rules_of(ticket.rule_version).await?;
    let head = TicketHead {
        reference: ticket_reference(ticket.number),
        opened_at: ticket.at,
        opened_by: ticket.by.clone(),
        rule_version: ticket.rule_version,
        selection: ticket.selection.clone(),
    };
    // Before there are rules, members can be unmatched by none.
    let rules = rules.map(|version| version.rules).unwrap_or_default();
    Ok(unification::Ticket::new(head, &rules))
}

/// A ticket's document, with all members.
pub(crate) async fn document(store: &dyn Store, ticket: &Ticket) -> Result<unification::Ticket, StoreError> {
    let mut document = opened(store, ticket).await?;
    each_member(store, ticket.number, &mut |failed| {
        document.add(&failed.member, &failed.outcome);
    })
    .await?;
    Ok(document)
}

/// Whose rows a sheet has.
#[derive(Clone, Debug)]
pub(crate) enum Sheet {
    OfTicket(Ticket),
    /// Members as they stand, by this version of the rules.
    Failed {
        filter: FailedFilter,
        rule_version: i64,
    },
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SheetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the rows cannot be written as CSV")]
    Encode(#[from] EncodeError),
}

/// The bytes of a sheet as CSV, part by part, so that any number of members takes the same memory.
pub(crate) fn csv(store: Arc<dyn Store>, sheet: Sheet) -> impl Stream<Item = Result<Vec<u8>, SheetError>> {
    stream::try_unfold(Some(0), move |read: Option<u64>| {
        let (store, sheet) = (Arc::clone(&store), sheet.clone());
        async move {
            let Some(read) = read else {
                return Ok::<_, SheetError>(None);
            };
            let members = sheet.members(store.as_ref(), read).await?;
            let mut encoder = Encoder::new(Layout::Csv, &FIELDS)?;
            let rows: Vec<Vec<Cell>> = members.iter().map(|failed| sheet.row(failed)).collect();
            let mut bytes = if read == 0 { encoder.head()? } else { Vec::new() };
            bytes.extend(encoder.page(&rows)?);
            let more = rows.len() == MEMBERS_AT_ONCE as usize;
            Ok(Some((bytes, more.then(|| read + rows.len() as u64))))
        }
    })
}

impl Sheet {
    async fn members(&self, store: &dyn Store, read: u64) -> Result<Vec<FailedMember>, StoreError> {
        match self {
            Self::OfTicket(ticket) => store.ticket_members(ticket.number, read, MEMBERS_AT_ONCE).await,
            Self::Failed { filter, .. } => store.failed_members(filter, read, MEMBERS_AT_ONCE).await,
        }
    }

    fn row(&self, failed: &FailedMember) -> Vec<Cell> {
        let (ticket, rule_version) = match self {
            Self::OfTicket(ticket) => (ticket_reference(ticket.number), ticket.rule_version),
            Self::Failed { rule_version, .. } => (
                failed.ticket.map(ticket_reference).unwrap_or_default(),
                *rule_version,
            ),
        };
        let row = ticket_row(&ticket, rule_version, &failed.member, &failed.outcome);
        row.map(Cell::Text).into()
    }
}

#[cfg(test)]
mod tests {
    use domain::unification::{Match, Member};

    use super::*;

    #[test]
    fn what_is_chosen_is_told_in_words() {
        assert_eq!(Chosen::default().words(), "all members");
        let chosen = Chosen {
            cause: Some(WhyNot::DomainUnknown),
            domain: Some("acme.io".to_owned()),
            days: Some(1),
            only: Some(vec![("t".to_owned(), "1".to_owned())]),
            ..Chosen::default()
        };
        assert_eq!(
            chosen.words(),
            "1 member one by one, of the last 1 day, cause domain_unknown, domain acme.io"
        );
        let now = DateTime::from_timestamp(86_400, 0).expect("a time");
        assert_eq!(chosen.filter(now).since, Some(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn a_row_names_its_ticket_and_is_no_formula() {
        let failed = FailedMember {
            member: Member {
                tenant_id: "customer-en".to_owned(),
                community_user_id: "2".to_owned(),
                username: "=1|<b>".to_owned(),
                ..Member::default()
            },
            outcome: Match {
                why_not: Some(WhyNot::FreeMail),
                ..Match::default()
            },
            since: DateTime::UNIX_EPOCH,
            ticket: Some(7),
        };
        let sheet = Sheet::Failed {
            filter: FailedFilter::default(),
            rule_version: 3,
        };
        let mut encoder = Encoder::new(Layout::Csv, &FIELDS).expect("an encoder");
        let head = String::from_utf8(encoder.head().expect("a head")).expect("text");
        assert_eq!(head.trim_end(), TICKET_COLUMNS.join(","));
        let row = encoder.page(&[sheet.row(&failed)]).expect("a row");
        let row = String::from_utf8(row).expect("text");
        assert!(
            row.starts_with("T-7,3,customer-en,2,'=1|<b>,,,free_mail,,,,"),
            "{row}"
        );
    }
}
