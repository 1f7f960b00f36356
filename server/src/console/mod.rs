//! The console's port, over the store.

mod accounts;
pub(crate) mod audit;
mod browsers;
mod company;
pub(crate) mod company_files;
mod customers;
mod erasure;
mod family;
mod links;
mod member;
mod overview;
mod rules;
mod tickets;
mod tokens;
mod trials;
pub(crate) mod users;
mod views;

use std::{num::NonZeroU32, sync::Arc};

use app::{
    accounts::view::{AccountsView, LinkView, SessionsView},
    activity::view::{ActivityLogQuery, ActivityLogView, ConnectionName, LOG_PAGE_ROWS},
    audit::{place::AuditPlace, view::AuditView},
    backend::Backend,
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
    layout::{AccountLine, FrameView},
    runs::view::{
        INVALID_PAGE_ROWS, InvalidRecordsQuery, InvalidRecordsView, LIVE_RUNS_MAX, LiveView, SummaryView,
    },
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
use async_trait::async_trait;
use domain::{
    AccountId, Connection, ConnectionId, Role, RunId, Scope, SessionId, StoppedBy, TokenId, Trigger,
    unification::RuleSet,
};
use store::{By, Cancelling, Enqueued, NewRun, RunQuery};
use tracing::{error, info};

use self::{overview::Overview, trials::Trials};
use crate::{
    config,
    error::with_sources,
    installation::Installation,
    marker::Marker,
    operations::{queue::place_all, trail::TrailWatch},
    secrets::to_hex,
    system::random_bytes,
    visitor::Visitor,
    worker::{WakeUp, scheduler::extent_of_next_run},
};

/// One visitor's view of the installation. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) installation: Installation,
    /// After so many successes the next run is a full one.
    full_every: NonZeroU32,
    pub(crate) overview: Arc<Overview>,
    /// Whether this process runs syncs itself.
    worker: bool,
    wake_up: WakeUp,
    /// Drafts of rules that were tried.
    pub(crate) trials: Trials,
    /// As links to the console begin.
    pub(crate) origin: Arc<str>,
    /// Of the audit trail, as far as it was read.
    pub(crate) watch: Arc<TrailWatch>,
    pub(crate) visitor: Visitor,
}

impl Console {
    /// As nobody sees it; see [`Self::for_visitor`].
    pub(crate) fn new(
        installation: &Installation,
        marker: Arc<Marker>,
        config: &config::Worker,
        worker: bool,
        wake_up: WakeUp,
        origin: &str,
    ) -> Self {
        Self {
            overview: Arc::new(Overview::new(
                Arc::clone(&installation.store),
                Arc::clone(&installation.clock),
                marker,
                config.sync_window,
            )),
            installation: installation.clone(),
            full_every: config.sync.full_every,
            worker,
            wake_up,
            trials: Trials::default(),
            origin: origin.into(),
            watch: Arc::default(),
            visitor: Visitor::default(),
        }
    }

    pub(crate) fn for_visitor(&self, visitor: Visitor) -> Self {
        Self {
            visitor,
            ..self.clone()
        }
    }

    /// The frame with nothing but who is logged in.
    pub(crate) fn bare_frame(&self) -> FrameView {
        let account = self.visitor.logged_in().map(|logged_in| &logged_in.account);
        FrameView {
            account: account.map(|account| AccountLine {
                email: account.email.clone(),
                role: account.role,
            }),
            ..FrameView::default()
        }
    }

    /// Who does something now, for the audit trail.
    pub(crate) fn by(&self) -> By {
        self.visitor.by(self.installation.clock.now())
    }

    /// The same for people, beside what was done.
    pub(crate) fn who(&self) -> String {
        let account = self.visitor.logged_in().map(|logged_in| &logged_in.account);
        account.map_or_else(|| "an admin".to_owned(), |account| account.email.clone())
    }

    /// To be asked before a sensitive change: [`AppError::Unconfirmed`] if the password was given too long ago.
    pub(crate) fn confirmed(&self) -> Result<(), AppError> {
        if self.visitor.confirmed(self.installation.clock.now()) {
            Ok(())
        } else {
            Err(AppError::Unconfirmed)
        }
    }

    async fn names(&self) -> Result<Vec<ConnectionName>, AppError> {
        let connections = self
            .installation
            .store
            .connections()
            .await
            .map_err(|error| internal(&error))?;
        Ok(connections.iter().map(views::connection_name).collect())
    }

    async fn connection(&self, id: ConnectionId) -> Result<Connection, AppError> {
        let found = self
            .installation
            .store
            .connection(id)
            .await
            .map_err(|error| internal(&error))?;
        found.ok_or_else(|| AppError::NotFound {
            what: "This connection".to_owned(),
        })
    }
}

#[async_trait]
impl Backend for Console {
    async fn frame(&self) -> Result<FrameView, AppError> {
        if self.visitor.role() != Some(Role::Admin) {
            // What connections are like, and which process runs syncs, is no matter of theirs.
            return Ok(self.bare_frame());
        }
        let view = self.overview.view().await.map_err(|error| internal(&error))?;
        Ok(FrameView {
            failing_connections: overview::failing(&view),
            worker: self.worker,
            ..self.bare_frame()
        })
    }

    async fn connections(&self) -> Result<ConnectionsView, AppError> {
        let view = self.overview.view().await.map_err(|error| internal(&error))?;
        // Nothing has changed up to now, which is what "as of" says.
        Ok(ConnectionsView {
            as_of: self.installation.clock.now(),
            cards: view.cards.clone(),
        })
    }

    async fn activity_log(&self, query: ActivityLogQuery) -> Result<ActivityLogView, AppError> {
        let connections = self.names().await?;
        let connection = match query.connection {
            Some(id) => {
                let named = connections.iter().find(|name| name.id == id).cloned();
                Some(named.ok_or_else(|| AppError::NotFound {
                    what: "This connection".to_owned(),
                })?)
            }
            None => None,
        };
        let page = query.page.max(1);
        let listed_at = self.installation.clock.now();
        let mut runs = self
            .installation
            .store
            .runs(&RunQuery {
                connection: query.connection,
                offset: u64::from(page - 1) * u64::from(LOG_PAGE_ROWS),
                limit: LOG_PAGE_ROWS,
            })
            .await
            .map_err(|error| internal(&error))?;
        place_all(self.installation.store.as_ref(), &mut runs.runs, listed_at)
            .await
            .map_err(|error| internal(&error))?;
        Ok(ActivityLogView {
            listed_at,
            connection,
            rows: runs
                .runs
                .into_iter()
                .map(|run| views::log_row(run, &connections))
                .collect(),
            connections,
            page,
            total: runs.total,
        })
    }

    async fn summary(&self, id: RunId) -> Result<SummaryView, AppError> {
        let store = &self.installation.store;
        let run = store.run(id).await.map_err(|error| internal(&error))?;
        let mut run = run.ok_or_else(no_such_run)?;
        let as_of = self.installation.clock.now();
        place_all(store.as_ref(), [&mut run], as_of)
            .await
            .map_err(|error| internal(&error))?;
        let connection = self.connection(run.connection_id).await?;
        let groups = store.invalid_groups(id).await.map_err(|error| internal(&error))?;
        Ok(SummaryView {
            as_of,
            connection: views::connection_name(&connection),
            run,
            invalid: groups.into_iter().map(views::invalid_group).collect(),
        })
    }

    async fn live_runs(&self, runs: Vec<RunId>) -> Result<LiveView, AppError> {
        let mut current = Vec::new();
        for id in runs.into_iter().take(LIVE_RUNS_MAX) {
            let run = self.installation.store.run(id).await;
            let run = run.map_err(|error| internal(&error))?;
            current.extend(run.as_ref().map(views::current_run));
        }
        Ok(LiveView {
            as_of: self.installation.clock.now(),
            runs: current,
        })
    }

    async fn invalid_records(&self, query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError> {
        let offset = u64::from(query.page.max(1) - 1) * u64::from(INVALID_PAGE_ROWS);
        let page = self
            .installation
            .store
            .invalid_records(
                query.run,
                Some((query.stream, query.reason)),
                offset,
                INVALID_PAGE_ROWS,
            )
            .await
            .map_err(|error| internal(&error))?;
        Ok(InvalidRecordsView {
            query,
            records: page.records,
            total: page.total,
        })
    }

    async fn sync_now(&self, id: ConnectionId) -> Result<RunId, AppError> {
        let connection = self.connection(id).await?;
        let now = self.installation.clock.now();
        let extent = extent_of_next_run(self.installation.store.as_ref(), id, self.full_every)
            .await
            .map_err(|error| internal(&error))?;
        let new = NewRun {
            id: self.installation.ids.run_id(now),
            connection_id: id,
            trigger: Trigger::Manual,
            extent,
            queued_at: now,
        };
        match self
            .installation
            .store
            .enqueue(&new, Some(&self.by()))
            .await
            .map_err(|error| internal(&error))?
        {
            Enqueued::Queued => {
                info!(tenant = %connection.tenant_id, run = %new.id, "run queued by hand");
                self.wake_up.ring();
                Ok(new.id)
            }
            Enqueued::UnderWay(_) => Err(AppError::Refused {
                what: format!("A sync of {} is queued or running already.", connection.name),
                next_action: "Nothing to do for you. Its row in the activity log shows how far it has come."
                    .to_owned(),
            }),
            Enqueued::Deactivated => Err(AppError::Refused {
                what: format!("{} is deactivated, so it is not synced.", connection.name),
                next_action: "Activate the connection first, then sync it.".to_owned(),
            }),
        }
    }

    async fn cancel_run(&self, id: RunId) -> Result<(), AppError> {
        let asked = self
            .installation
            .store
            .cancel(id, StoppedBy::Admin, &self.by())
            .await
            .map_err(|error| internal(&error))?;
        match asked {
            Cancelling::Cancelled | Cancelling::Asked => {
                info!(run = %id, "run cancelled by hand");
                Ok(())
            }
            Cancelling::Over(_) => Err(AppError::Refused {
                what: "This run is over already.".to_owned(),
                next_action: "Nothing to do for you. Its Summary says how it ended.".to_owned(),
            }),
            Cancelling::NoSuchRun => Err(no_such_run()),
        }
    }

    async fn deactivate(&self, id: ConnectionId) -> Result<(), AppError> {
        let connection = self.connection(id).await?;
        self.installation
            .store
            .deactivate(id, &self.by())
            .await
            .map_err(|error| internal(&error))?;
        info!(tenant = %connection.tenant_id, "connection deactivated");
        Ok(())
    }

    async fn activate(&self, id: ConnectionId) -> Result<(), AppError> {
        let connection = self.connection(id).await?;
        self.installation
            .store
            .activate(id, &self.by())
            .await
            .map_err(|error| internal(&error))?;
        info!(tenant = %connection.tenant_id, "connection activated");
        // A run may have come due while it was off.
        self.wake_up.ring();
        Ok(())
    }

    async fn rules(&self, query: RulesQuery) -> Result<RulesView, AppError> {
        self.rules_view(query).await
    }

    async fn cancel_preview(&self, draft: RuleSet) -> Result<(), AppError> {
        self.end_preview(&draft);
        Ok(())
    }

    async fn apply_rules(&self, apply: Apply) -> Result<Applied, AppError> {
        self.take_rules(apply).await
    }

    async fn users(&self, place: UsersPlace) -> Result<UsersView, AppError> {
        self.users_view(place).await
    }

    async fn create_ticket(&self, selection: Selection) -> Result<i64, AppError> {
        self.new_ticket(selection).await
    }

    async fn tickets(&self, page: u32) -> Result<TicketsView, AppError> {
        self.tickets_view(page).await
    }

    async fn ticket(&self, place: TicketPlace) -> Result<TicketView, AppError> {
        self.ticket_view(place).await
    }

    async fn post_ticket(&self, number: i64) -> Result<(), AppError> {
        self.hand_to_webhook(number).await
    }

    async fn links(&self, page: u32) -> Result<LinksView, AppError> {
        self.links_view(page).await
    }

    async fn member(&self, member: MemberKey) -> Result<MemberView, AppError> {
        self.member_view(member).await
    }

    async fn say_of_member(&self, member: MemberKey, said: Said) -> Result<(), AppError> {
        self.keep_said(member, said).await
    }

    async fn member_left(&self, member: MemberKey, said: SaidOfLeaving) -> Result<(), AppError> {
        self.keep_left(member, said).await
    }

    async fn look_up(&self, query: LookUp) -> Result<LookUpView, AppError> {
        self.look_up_view(query).await
    }

    async fn company(&self, place: CompanyPlace) -> Result<CompanyView, AppError> {
        self.company_view(place).await
    }

    async fn save_company(&self, save: SaveCompany) -> Result<(), AppError> {
        self.keep_company(save).await
    }

    async fn add_domain(&self, company: String, domain: String) -> Result<(), AppError> {
        self.keep_domain(&company, &domain).await
    }

    async fn accounts(&self) -> Result<AccountsView, AppError> {
        self.accounts_view().await
    }

    async fn check_confirmed(&self) -> Result<(), AppError> {
        self.confirmed()
    }

    async fn add_account(&self, email: String, role: Role) -> Result<LinkView, AppError> {
        self.new_account(&email, role).await
    }

    async fn offer_link(&self, account: AccountId) -> Result<LinkView, AppError> {
        self.new_link(account).await
    }

    async fn change_role(&self, account: AccountId, role: Role) -> Result<(), AppError> {
        self.new_role(account, role).await
    }

    async fn set_disabled(&self, account: AccountId, disabled: bool) -> Result<(), AppError> {
        self.new_state(account, disabled).await
    }

    async fn sessions(&self) -> Result<SessionsView, AppError> {
        self.everyones_sessions().await
    }

    async fn session_times(&self) -> Result<SessionTimes, AppError> {
        self.own_session_times()
    }

    async fn stay_logged_in(&self) -> Result<SessionTimes, AppError> {
        self.go_on_with_session().await
    }

    async fn your_sessions(&self) -> Result<SessionsView, AppError> {
        self.own_sessions().await
    }

    async fn end_session(&self, session: SessionId) -> Result<(), AppError> {
        self.end_anyones_session(session).await
    }

    async fn end_your_session(&self, session: SessionId) -> Result<(), AppError> {
        self.end_own_session(session).await
    }

    async fn end_your_other_sessions(&self) -> Result<(), AppError> {
        self.end_own_other_sessions().await
    }

    async fn change_password(&self, password: String) -> Result<(), AppError> {
        self.new_password(password).await
    }

    async fn audit_trail(&self, place: AuditPlace) -> Result<AuditView, AppError> {
        self.audit_view(place).await
    }

    async fn erasures(&self) -> Result<ErasuresView, AppError> {
        self.erasures_view().await
    }

    async fn find_person(&self, email: String) -> Result<PersonView, AppError> {
        self.person_view(&email).await
    }

    async fn erase_person(&self, email: String) -> Result<ReceiptPlace, AppError> {
        self.erase_now(&email).await
    }

    async fn receipt(&self, id: String) -> Result<ReceiptView, AppError> {
        self.receipt_page(&id).await
    }

    async fn tokens(&self) -> Result<TokensView, AppError> {
        self.tokens_view().await
    }

    async fn add_token(&self, name: String, scopes: Vec<Scope>, days: u32) -> Result<NewTokenView, AppError> {
        let scopes = scopes.into_iter().collect();
        self.new_token(&name, scopes, days).await
    }

    async fn revoke_token(&self, token: TokenId) -> Result<(), AppError> {
        self.take_token_back(token).await
    }
}

fn no_such_run() -> AppError {
    AppError::NotFound {
        what: "This run".to_owned(),
    }
}

/// The cause goes to the log under a reference; only the reference goes to the browser.
pub(crate) fn internal(failure: &dyn std::error::Error) -> AppError {
    let reference = to_hex(&random_bytes::<4>());
    error!(reference, error = %with_sources(failure), "the console could not be answered");
    AppError::Internal { reference }
}
