//! The console's port, over the store.

use std::{num::NonZeroU32, sync::Arc};

use app::{
    activity::view::{ActivityLogQuery, ActivityLogView, ConnectionName, LOG_PAGE_ROWS},
    backend::Backend,
    companies::{
        place::{CompanyPlace, LookUp},
        view::{CompanyView, LookUpView, SaveCompany},
    },
    connections::view::ConnectionsView,
    error::AppError,
    layout::FrameView,
    runs::view::{INVALID_PAGE_ROWS, InvalidRecordsQuery, InvalidRecordsView, SummaryView},
    unification::{
        place::{MemberKey, TicketPlace, UsersPlace},
        view::{
            Applied, Apply, LinksView, MemberView, RulesQuery, RulesView, Said, Selection, TicketView,
            TicketsView, UsersView,
        },
    },
};
use async_trait::async_trait;
use domain::{Connection, ConnectionId, RunId, StoppedBy, Trigger};
use store::{Cancelling, Enqueued, NewRun, RunQuery, StoreError};
use tracing::{error, info};

use crate::{
    config,
    error::with_sources,
    installation::Installation,
    marker::Marker,
    overview::{self, Overview},
    queue::place_all,
    scheduler::extent_of_next_run,
    secrets::to_hex,
    system::random_bytes,
    trials::Trials,
    views,
    worker::WakeUp,
};

pub(crate) struct Console {
    pub(crate) installation: Installation,
    /// After so many successes the next run is a full one.
    full_every: NonZeroU32,
    overview: Overview,
    /// Whether this process runs syncs itself.
    worker: bool,
    wake_up: WakeUp,
    /// Drafts of rules that were tried.
    pub(crate) trials: Trials,
    /// As links to the console begin.
    pub(crate) origin: String,
}

impl Console {
    pub(crate) fn new(
        installation: &Installation,
        marker: Arc<Marker>,
        config: &config::Worker,
        worker: bool,
        wake_up: WakeUp,
        origin: String,
    ) -> Self {
        Self {
            overview: Overview::new(
                Arc::clone(&installation.store),
                Arc::clone(&installation.clock),
                marker,
                config.sync_window,
            ),
            installation: installation.clone(),
            full_every: config.sync.full_every,
            worker,
            wake_up,
            trials: Trials::default(),
            origin,
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
        let view = self.overview.view().await.map_err(|error| internal(&error))?;
        Ok(overview::frame(&view, self.worker))
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
            .enqueue(&new)
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
        let now = self.installation.clock.now();
        let asked = self
            .installation
            .store
            .cancel(id, StoppedBy::Admin, now)
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
        let now = self.installation.clock.now();
        self.installation
            .store
            .deactivate(id, now)
            .await
            .map_err(|error| internal(&error))?;
        info!(tenant = %connection.tenant_id, "connection deactivated");
        Ok(())
    }

    async fn activate(&self, id: ConnectionId) -> Result<(), AppError> {
        let connection = self.connection(id).await?;
        self.installation
            .store
            .activate(id)
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

    async fn member_left(&self, member: MemberKey, reason: Option<String>) -> Result<(), AppError> {
        self.keep_left(member, reason).await
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
}

fn no_such_run() -> AppError {
    AppError::NotFound {
        what: "This run".to_owned(),
    }
}

/// The cause goes to the log under a reference; only the reference goes to the browser.
pub(crate) fn internal(failure: &StoreError) -> AppError {
    let reference = to_hex(&random_bytes::<4>());
    error!(reference, error = %with_sources(failure), "the console could not be answered");
    AppError::Internal { reference }
}
