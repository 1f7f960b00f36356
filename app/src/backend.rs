//! The port that the server implements for the console, and how a server function gets it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConnectionId, RunId};
use leptos::prelude::use_context;

use crate::{
    activity::view::{ActivityLogQuery, ActivityLogView},
    companies::{
        place::{CompanyPlace, LookUp},
        view::{CompanyView, LookUpView, SaveCompany},
    },
    connections::view::ConnectionsView,
    error::AppError,
    layout::FrameView,
    runs::view::{InvalidRecordsQuery, InvalidRecordsView, SummaryView},
    unification::{
        place::{MemberKey, TicketPlace, UsersPlace},
        view::{
            Applied, Apply, LinksView, MemberView, RulesQuery, RulesView, Said, Selection, TicketView,
            TicketsView, UsersView,
        },
    },
};

/// What the console asks of the server. Every answer is what a page shows, and nothing more.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the frame around every page shows.
    async fn frame(&self) -> Result<FrameView, AppError>;

    async fn connections(&self) -> Result<ConnectionsView, AppError>;

    async fn activity_log(&self, query: ActivityLogQuery) -> Result<ActivityLogView, AppError>;

    /// [`AppError::NotFound`] if there is no such run.
    async fn summary(&self, run: RunId) -> Result<SummaryView, AppError>;

    async fn invalid_records(&self, query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError>;

    /// Queues a run by hand.
    async fn sync_now(&self, connection: ConnectionId) -> Result<RunId, AppError>;

    /// Asks a run to stop, whether it waits or is under way.
    async fn cancel_run(&self, run: RunId) -> Result<(), AppError>;

    async fn deactivate(&self, connection: ConnectionId) -> Result<(), AppError>;

    async fn activate(&self, connection: ConnectionId) -> Result<(), AppError>;

    /// The rules in use or in a draft, and what the draft would change if that is asked for.
    async fn rules(&self, query: RulesQuery) -> Result<RulesView, AppError>;

    /// Makes a draft the version in use and has every member matched again.
    async fn apply_rules(&self, apply: Apply) -> Result<Applied, AppError>;

    /// Users without a company, with what each rule came to.
    async fn users(&self, place: UsersPlace) -> Result<UsersView, AppError>;

    /// Makes one ticket of the users that are chosen; its number.
    async fn create_ticket(&self, selection: Selection) -> Result<i64, AppError>;

    /// Tickets, the newest first.
    async fn tickets(&self, page: u32) -> Result<TicketsView, AppError>;

    /// [`AppError::NotFound`] if there is no such ticket.
    async fn ticket(&self, place: TicketPlace) -> Result<TicketView, AppError>;

    /// Posts a ticket to the operator's webhook, and keeps what came of it.
    async fn post_ticket(&self, number: i64) -> Result<(), AppError>;

    /// What was said by hand of users' companies, the latest first.
    async fn links(&self, page: u32) -> Result<LinksView, AppError>;

    /// [`AppError::NotFound`] if there is no such member.
    async fn member(&self, member: MemberKey) -> Result<MemberView, AppError>;

    /// Keeps what an admin says of a member's company, and matches the member anew.
    async fn say_of_member(&self, member: MemberKey, said: Said) -> Result<(), AppError>;

    /// Keeps that a member has left their company, with how that is known; `None` if they have not.
    async fn member_left(&self, member: MemberKey, reason: Option<String>) -> Result<(), AppError>;

    /// Companies or people by part of their name, domain or address, or by their external id.
    async fn look_up(&self, query: LookUp) -> Result<LookUpView, AppError>;

    /// [`AppError::NotFound`] if there is no such company.
    async fn company(&self, place: CompanyPlace) -> Result<CompanyView, AppError>;

    /// Keeps a company and matches members anew.
    async fn save_company(&self, save: SaveCompany) -> Result<(), AppError>;

    /// Adds a domain to a company, and matches members anew.
    async fn add_domain(&self, company: String, domain: String) -> Result<(), AppError>;
}

/// The port, as the router provides it to pages and server functions alike.
pub fn backend() -> Result<Arc<dyn Backend>, AppError> {
    use_context().ok_or_else(|| AppError::Internal {
        reference: "no-backend".to_owned(),
    })
}
