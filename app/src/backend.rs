//! The port that the server implements for the console, and how a server function gets it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{AccountId, ConnectionId, Role, RunId, Scope, SessionId, TokenId, unification::RuleSet};
use leptos::prelude::use_context;

use crate::{
    accounts::view::{AccountsView, LinkView, SessionsView},
    activity::view::{ActivityLogQuery, ActivityLogView},
    audit::{place::AuditPlace, view::AuditView},
    companies::{
        place::{CompanyPlace, LookUp},
        view::{CompanyView, LookUpView, SaveCompany},
    },
    connections::view::ConnectionsView,
    erasure::{
        place::ReceiptPlace,
        view::{ErasuresView, PersonView, ReceiptView},
    },
    error::AppError,
    layout::FrameView,
    runs::view::{InvalidRecordsQuery, InvalidRecordsView, LiveView, SummaryView},
    scripts::session::SessionTimes,
    tokens::view::{NewTokenView, TokensView},
    unification::{
        place::{MemberKey, TicketPlace, UsersPlace},
        view::{
            Applied, Apply, LinksView, MemberView, RulesQuery, RulesView, Said, SaidOfLeaving, Selection,
            TicketView, TicketsView, UsersView,
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

    /// Runs as they are now: their counts, pace and state.
    async fn live_runs(&self, runs: Vec<RunId>) -> Result<LiveView, AppError>;

    async fn invalid_records(&self, query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError>;

    /// Queues a run by hand.
    async fn sync_now(&self, connection: ConnectionId) -> Result<RunId, AppError>;

    /// Asks a run to stop, whether it waits or is under way.
    async fn cancel_run(&self, run: RunId) -> Result<(), AppError>;

    async fn deactivate(&self, connection: ConnectionId) -> Result<(), AppError>;

    async fn activate(&self, connection: ConnectionId) -> Result<(), AppError>;

    /// The rules in use or in a draft, and what the draft would change if that is asked for.
    async fn rules(&self, query: RulesQuery) -> Result<RulesView, AppError>;

    /// Ends the preview of a draft that is under way; nothing was changed by it.
    async fn cancel_preview(&self, draft: RuleSet) -> Result<(), AppError>;

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

    /// Keeps what an admin says of a member's leaving.
    async fn member_left(&self, member: MemberKey, said: SaidOfLeaving) -> Result<(), AppError>;

    /// Companies or people by part of their name, domain or address, or by their external id.
    async fn look_up(&self, query: LookUp) -> Result<LookUpView, AppError>;

    /// [`AppError::NotFound`] if there is no such company.
    async fn company(&self, place: CompanyPlace) -> Result<CompanyView, AppError>;

    /// Keeps a company and matches members anew.
    async fn save_company(&self, save: SaveCompany) -> Result<(), AppError>;

    /// Adds a domain to a company, and matches members anew.
    async fn add_domain(&self, company: String, domain: String) -> Result<(), AppError>;

    async fn accounts(&self) -> Result<AccountsView, AppError>;

    /// [`AppError::Unconfirmed`] if the password was given too long ago for a sensitive change.
    async fn check_confirmed(&self) -> Result<(), AppError>;

    /// Adds an account without a password. Sensitive, as are the next three.
    async fn add_account(&self, email: String, role: Role) -> Result<LinkView, AppError>;

    async fn offer_link(&self, account: AccountId) -> Result<LinkView, AppError>;

    /// Refused for the last admin.
    async fn change_role(&self, account: AccountId, role: Role) -> Result<(), AppError>;

    /// Refused for the last admin.
    async fn set_disabled(&self, account: AccountId, disabled: bool) -> Result<(), AppError>;

    /// Of all accounts.
    async fn sessions(&self) -> Result<SessionsView, AppError>;

    /// How long the session of whoever asks lasts. Asking does not make it longer.
    async fn session_times(&self) -> Result<SessionTimes, AppError>;

    /// Has that session go on from now.
    async fn stay_logged_in(&self) -> Result<SessionTimes, AppError>;

    /// Of whoever asks.
    async fn your_sessions(&self) -> Result<SessionsView, AppError>;

    async fn end_session(&self, session: SessionId) -> Result<(), AppError>;

    /// [`AppError::NotFound`] if it is somebody else's.
    async fn end_your_session(&self, session: SessionId) -> Result<(), AppError>;

    async fn end_your_other_sessions(&self) -> Result<(), AppError>;

    /// Of whoever asks. Sensitive.
    async fn change_password(&self, password: String) -> Result<(), AppError>;

    async fn audit_trail(&self, place: AuditPlace) -> Result<AuditView, AppError>;

    async fn erasures(&self) -> Result<ErasuresView, AppError>;

    /// What is stored with an address.
    async fn find_person(&self, email: String) -> Result<PersonView, AppError>;

    /// Erases whoever has the address; where the receipt is. Sensitive.
    async fn erase_person(&self, email: String) -> Result<ReceiptPlace, AppError>;

    /// [`AppError::NotFound`] if there is no such receipt.
    async fn receipt(&self, id: String) -> Result<ReceiptView, AppError>;

    async fn tokens(&self) -> Result<TokensView, AppError>;

    /// Sensitive, as is the next.
    async fn add_token(&self, name: String, scopes: Vec<Scope>, days: u32) -> Result<NewTokenView, AppError>;

    async fn revoke_token(&self, token: TokenId) -> Result<(), AppError>;
}

/// The port, as the router provides it to pages and server functions alike.
pub fn backend() -> Result<Arc<dyn Backend>, AppError> {
    use_context().ok_or_else(|| AppError::Internal {
        reference: "no-backend".to_owned(),
    })
}
