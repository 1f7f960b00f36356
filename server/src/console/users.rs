//! What the page of users without a company asks for, and one ticket of many of them.

use app::{
    error::AppError,
    unification::{
        place::{UsersFilter, UsersPlace},
        view::{HeadView, MemberName, Selection, USERS_PAGE_ROWS, UserRow, UsersView},
    },
};
use chrono::{DateTime, Utc};
use domain::{
    Connection,
    unification::{Member, RuleSet, WhyNot},
};
use store::{FailedFilter, FailedMember, NewTicket, Store, StoreError};
use sync::Known;
use tracing::info;

use crate::{
    console::{Console, internal, rules::shown, views},
    operations::tickets::{Chosen, Sheet},
};

/// Groups that a page shows: what helps most.
const GROUPS_SHOWN: u32 = 5;
/// Groups that a page shows if more is asked for: as many as anybody goes through.
const GROUPS_MAX: u32 = 200;

impl Console {
    pub(crate) async fn users_view(&self, place: UsersPlace) -> Result<UsersView, AppError> {
        self.users_page(place).await.map_err(|error| internal(&error))
    }

    async fn users_page(&self, place: UsersPlace) -> Result<UsersView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let as_of = clock.now();
        let known = self.installation.unifier.known(store, clock).await?;
        let connections = store.connections().await?;
        let filter = chosen(&place.filter, &connections).filter(as_of);
        let offset = u64::from(place.page.max(1) - 1) * u64::from(USERS_PAGE_ROWS);
        let found = store.failed_members(&filter, offset, USERS_PAGE_ROWS).await?;
        let most = if place.every_group {
            GROUPS_MAX
        } else {
            GROUPS_SHOWN
        };
        let mut groups = store.failed_groups(&filter, most + 1).await?;
        let more_groups = groups.len() > most as usize;
        groups.truncate(most as usize);
        Ok(UsersView {
            as_of,
            head: self
                .head(known.revision.rule_version, known.matcher.rules())
                .await?,
            causes: store.failed_causes(&filter).await?,
            groups,
            more_groups,
            rules: known.matcher.rules().clone(),
            rows: found.into_iter().map(|failed| user_row(failed, &known)).collect(),
            total: store.failed_count(&filter).await?,
            rematching: self.rematching(&connections).await?,
            connections: connections.iter().map(views::connection_name).collect(),
        })
    }

    /// The head of every tab.
    pub(crate) async fn head(&self, version: i64, rules: &RuleSet) -> Result<HeadView, StoreError> {
        let store = &self.installation.store;
        let without = store.failed_count(&FailedFilter::default()).await?;
        Ok(HeadView {
            version: shown(version),
            rules: rules.rules.len() as u64,
            without_company: without,
            by_hand: store.links_by_hand(0, 1).await?.total,
            tickets: store.tickets(0, 1).await?.total,
        })
    }

    pub(crate) async fn new_ticket(&self, selection: Selection) -> Result<i64, AppError> {
        let failed = |error: StoreError| internal(&error);
        let installation = &self.installation;
        let connections = installation.store.connections().await.map_err(failed)?;
        let chosen = Chosen {
            only: selection.only,
            ..chosen(&selection.filter, &connections)
        };
        let now = installation.clock.now();
        let new = NewTicket {
            filter: chosen.filter(now),
            selection: chosen.words(),
            by: self.who(),
            at: now,
        };
        let made = installation
            .store
            .create_ticket(&new, &self.by())
            .await
            .map_err(failed)?;
        let ticket = made.ok_or_else(|| AppError::Refused {
            what: "None of these users is without a company any more.".to_owned(),
            next_action: "Look at the list again, and choose others. Nothing was written.".to_owned(),
        })?;
        info!(
            ticket = ticket.number,
            members = ticket.members,
            "a ticket was made"
        );
        Ok(ticket.number)
    }
}

/// Users without a company as a sheet.
pub(crate) async fn users_sheet(
    store: &dyn Store,
    filter: &UsersFilter,
    now: DateTime<Utc>,
) -> Result<Sheet, StoreError> {
    Ok(Sheet::Failed {
        filter: chosen(filter, &store.connections().await?).filter(now),
        rule_version: store.revision().await?.rule_version,
    })
}

/// A connection that is gone chooses nobody.
fn chosen(filter: &UsersFilter, connections: &[Connection]) -> Chosen {
    let tenant = |id| {
        let of = connections.iter().find(|connection| connection.id == id);
        of.map_or_else(|| id.to_string(), |connection| connection.tenant_id.to_string())
    };
    Chosen {
        connection: filter.connection.map(|id| (id, tenant(id))),
        cause: filter.cause,
        domain: filter.domain.clone(),
        rule: filter.rule.clone(),
        days: filter.days,
        only: None,
    }
}

fn user_row(failed: FailedMember, known: &Known) -> UserRow {
    let explanation = known.matcher.explain(&failed.member);
    UserRow {
        email: failed.member.email.clone(),
        member: member_name(failed.member),
        cause: failed.outcome.why_not.unwrap_or(WhyNot::NoCandidate),
        ticket: failed.ticket,
        rules: explanation.rules,
    }
}

pub(crate) fn member_name(member: Member) -> MemberName {
    MemberName {
        tenant_id: member.tenant_id,
        community_user_id: member.community_user_id,
        username: member.username,
    }
}
