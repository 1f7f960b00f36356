//! What the pages of tickets ask for, and posting one.

use app::{
    error::AppError,
    unification::{
        place::TicketPlace,
        view::{
            PostFailureView, PostView, TICKETS_PAGE_ROWS, TicketRow, TicketUser, TicketView, TicketsView,
            USERS_PAGE_ROWS,
        },
    },
};
use domain::unification::{WhyNot, ticket_reference};
use store::{FailedMember, StoreError, Ticket, TicketPost};
use tracing::info;

use crate::{
    console::{Console, internal, rules::shown, users::member_name},
    operations::{rules, tickets::document, webhook},
};

/// Causes that the page of a ticket lists; the text has more of them.
const GROUPS_SHOWN: usize = 50;
/// Tries to post it that the page of a ticket lists.
const POSTS_SHOWN: u32 = 20;

impl Console {
    pub(crate) async fn tickets_view(&self, page: u32) -> Result<TicketsView, AppError> {
        self.tickets_page(page.max(1))
            .await
            .map_err(|error| internal(&error))
    }

    async fn tickets_page(&self, page: u32) -> Result<TicketsView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let in_use = rules::active(&self.installation).await?;
        let offset = u64::from(page - 1) * u64::from(TICKETS_PAGE_ROWS);
        let found = store.tickets(offset, TICKETS_PAGE_ROWS).await?;
        Ok(TicketsView {
            as_of: clock.now(),
            head: self.head(in_use.version, &in_use.rules).await?,
            rows: found.rows.into_iter().map(ticket_row).collect(),
            total: found.total,
            page,
        })
    }

    /// [`AppError::NotFound`] if there is none.
    pub(crate) async fn ticket_of(&self, number: i64) -> Result<Ticket, AppError> {
        let found = self.installation.store.ticket(number).await;
        found
            .map_err(|error| internal(&error))?
            .ok_or_else(|| AppError::NotFound {
                what: "This ticket".to_owned(),
            })
    }

    pub(crate) async fn ticket_view(&self, place: TicketPlace) -> Result<TicketView, AppError> {
        let ticket = self.ticket_of(place.number).await?;
        self.ticket_page(ticket, place)
            .await
            .map_err(|error| internal(&error))
    }

    async fn ticket_page(&self, ticket: Ticket, place: TicketPlace) -> Result<TicketView, StoreError> {
        let store = self.installation.store.as_ref();
        let document = document(store, &ticket).await?;
        let offset = u64::from(place.page.max(1) - 1) * u64::from(USERS_PAGE_ROWS);
        let users = store
            .ticket_members(ticket.number, offset, USERS_PAGE_ROWS)
            .await?;
        let posts = store.ticket_posts(ticket.number, POSTS_SHOWN).await?;
        let mut groups = document.groups();
        groups.truncate(GROUPS_SHOWN);
        Ok(TicketView {
            as_of: self.installation.clock.now(),
            groups,
            rows: users.into_iter().map(ticket_user).collect(),
            page: place.page.max(1),
            document: document.markdown(),
            mail_link: document.mail_link(&self.ticket_address(ticket.number)),
            webhook: self
                .installation
                .webhook
                .as_ref()
                .map(|webhook| webhook.host().to_owned()),
            posts: posts.into_iter().map(post_view).collect(),
            ticket: ticket_row(ticket),
        })
    }

    /// Where the page of a ticket is, for people elsewhere.
    fn ticket_address(&self, number: i64) -> String {
        format!("{}{}", self.origin, TicketPlace::of(number).href())
    }

    pub(crate) async fn hand_to_webhook(&self, number: i64) -> Result<(), AppError> {
        let ticket = self.ticket_of(number).await?;
        let page = self.ticket_address(number);
        let posted = webhook::post(&self.installation, &ticket, &page, &self.who(), &self.by()).await;
        let post = posted
            .map_err(|error| internal(&error))?
            .ok_or_else(|| AppError::Refused {
                what: "There is no webhook.".to_owned(),
                next_action:
                    "Ask an operator to name one with TRIBUTARY_TICKET_WEBHOOK_URL. Nothing was sent."
                        .to_owned(),
            })?;
        info!(
            ticket = ticket_reference(number),
            status = post.status,
            taken = post.failure.is_none(),
            "a ticket was posted"
        );
        Ok(())
    }
}

fn ticket_row(ticket: Ticket) -> TicketRow {
    TicketRow {
        number: ticket.number,
        by: ticket.by,
        at: ticket.at,
        rule_version: shown(ticket.rule_version),
        selection: ticket.selection,
        users: ticket.members,
        open: ticket.open,
    }
}

fn ticket_user(failed: FailedMember) -> TicketUser {
    TicketUser {
        email: failed.member.email.clone(),
        member: member_name(failed.member),
        cause: failed.outcome.why_not.unwrap_or(WhyNot::NoCandidate),
        domain: failed.outcome.domain,
        open: failed.ticket.is_some(),
    }
}

fn post_view(post: TicketPost) -> PostView {
    PostView {
        by: post.by,
        at: post.at,
        status: post.status,
        failure: post.failure.map(|failure| PostFailureView {
            cause: failure.cause,
            owner: failure.owner,
            next_action: failure.next_action,
        }),
    }
}
