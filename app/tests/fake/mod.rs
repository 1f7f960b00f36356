//! A backend that knows one small installation by heart, at a fixed moment. The counts add up, within a page and
//! between pages.

mod customers;
mod installation;
pub(crate) mod unification;

use std::sync::Arc;

use app::{
    activity::view::{ActivityLogQuery, ActivityLogView, LOG_PAGE_ROWS},
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
use domain::{ConnectionId, RunId, record::InvalidRecord};

use installation::{at, connection_name};
pub(crate) use installation::{connection_id, run_id};

/// What an installation looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fake {
    Empty,
    /// Connections, but none has run.
    New,
    /// Several connections, in every health.
    Busy,
    /// Four connections, as most installations have.
    Usual,
    /// Everything fails.
    Broken,
}

impl Fake {
    pub(crate) fn backend(self) -> Arc<dyn Backend> {
        Arc::new(self)
    }

    fn check(self) -> Result<(), AppError> {
        if self == Self::Broken {
            return Err(AppError::Internal {
                reference: "7f3a-19".to_owned(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for Fake {
    async fn frame(&self) -> Result<FrameView, AppError> {
        Ok(FrameView {
            failing_connections: u32::from(matches!(self, Self::Busy | Self::Usual)),
            worker: *self != Self::Broken,
        })
    }

    async fn connections(&self) -> Result<ConnectionsView, AppError> {
        self.check()?;
        let cards = match self {
            Self::Busy => installation::cards(),
            Self::Usual => installation::cards().into_iter().step_by(2).take(4).collect(),
            Self::New => vec![installation::not_run_yet()],
            Self::Empty | Self::Broken => Vec::new(),
        };
        Ok(ConnectionsView {
            as_of: at(23, 7, 42, 10),
            cards,
        })
    }

    async fn activity_log(&self, query: ActivityLogQuery) -> Result<ActivityLogView, AppError> {
        self.check()?;
        let connections: Vec<_> = match self {
            Self::Busy | Self::Usual => (1..=7).map(connection_name).collect(),
            Self::New => vec![connection_name(7)],
            Self::Empty | Self::Broken => Vec::new(),
        };
        let connection = match query.connection {
            None => None,
            Some(id) => Some(
                connections
                    .iter()
                    .find(|known| known.id == id)
                    .cloned()
                    .ok_or_else(|| AppError::NotFound {
                        what: "This connection".to_owned(),
                    })?,
            ),
        };
        let rows: Vec<_> = if *self == Self::Busy {
            installation::log()
        } else {
            Vec::new()
        };
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|row| query.connection.is_none_or(|id| row.connection.id == id))
            .collect();
        let total = if query.connection.is_none() && !rows.is_empty() {
            1184
        } else {
            rows.len() as u64
        };
        let rows = if u64::from(query.page - 1) * u64::from(LOG_PAGE_ROWS) < total {
            rows
        } else {
            Vec::new()
        };
        Ok(ActivityLogView {
            listed_at: at(23, 7, 42, 10),
            connection,
            connections,
            rows,
            page: query.page,
            total,
        })
    }

    async fn summary(&self, run: RunId) -> Result<SummaryView, AppError> {
        self.check()?;
        installation::summary(run).ok_or_else(|| AppError::NotFound {
            what: "This run".to_owned(),
        })
    }

    async fn invalid_records(&self, query: InvalidRecordsQuery) -> Result<InvalidRecordsView, AppError> {
        self.check()?;
        let total = 118;
        let first = u64::from(query.page - 1) * u64::from(INVALID_PAGE_ROWS);
        let records = (first..total)
            .take(INVALID_PAGE_ROWS as usize)
            .map(|index| InvalidRecord {
                stream: query.stream,
                reason: query.reason,
                name: format!("user {}", 912 + index),
                message: "joindate \"0000-00-00\" is not a time".to_owned(),
                payload: format!("{{\n  \"userid\": {},\n  \"username\": \"<b>ada</b>\",\n  \"joindate\": \"0000-00-00\"\n}}", 912 + index),
                payload_cut: index == 51,
                topic_public_id: None,
                repaired_at: (index == 52).then(|| at(23, 9, 30, 0)),
            })
            .collect();
        Ok(InvalidRecordsView {
            query,
            records,
            total,
        })
    }

    async fn sync_now(&self, connection: ConnectionId) -> Result<RunId, AppError> {
        self.check()?;
        if connection == connection_id(2) {
            return Err(AppError::Refused {
                what: "A run of partners-en is already under way. It started at 07:35 and holds this connection.".to_owned(),
                next_action: "Nothing. The run you asked for was not queued.".to_owned(),
            });
        }
        Ok(run_id(99))
    }

    async fn cancel_run(&self, run: RunId) -> Result<(), AppError> {
        self.check()?;
        if run == run_id(4) {
            return Err(AppError::Refused {
                what: "This run is over already.".to_owned(),
                next_action: "Nothing to do for you. Its Summary says how it ended.".to_owned(),
            });
        }
        Ok(())
    }

    async fn deactivate(&self, _connection: ConnectionId) -> Result<(), AppError> {
        self.check()
    }

    async fn activate(&self, _connection: ConnectionId) -> Result<(), AppError> {
        self.check()
    }

    async fn rules(&self, query: RulesQuery) -> Result<RulesView, AppError> {
        self.check()?;
        unification::rules(&query)
    }

    async fn apply_rules(&self, apply: Apply) -> Result<Applied, AppError> {
        self.check()?;
        Ok(unification::apply(&apply))
    }

    async fn users(&self, place: UsersPlace) -> Result<UsersView, AppError> {
        self.check()?;
        Ok(customers::users(&place))
    }

    async fn create_ticket(&self, selection: Selection) -> Result<i64, AppError> {
        self.check()?;
        customers::create_ticket(&selection)
    }

    async fn tickets(&self, page: u32) -> Result<TicketsView, AppError> {
        self.check()?;
        Ok(customers::tickets(page))
    }

    async fn ticket(&self, place: TicketPlace) -> Result<TicketView, AppError> {
        self.check()?;
        customers::ticket(place)
    }

    async fn post_ticket(&self, _number: i64) -> Result<(), AppError> {
        self.check()
    }

    async fn links(&self, page: u32) -> Result<LinksView, AppError> {
        self.check()?;
        Ok(customers::links(page))
    }

    async fn member(&self, member: MemberKey) -> Result<MemberView, AppError> {
        self.check()?;
        customers::member(&member)
    }

    async fn say_of_member(&self, member: MemberKey, said: Said) -> Result<(), AppError> {
        customers::member(&member)?;
        match said {
            Said::Company { external_id, .. } if external_id != "C-1" => Err(AppError::Refused {
                what: format!("There is no company with the external id {external_id}."),
                next_action: "Look it up under Customers, or create it there. Nothing was changed."
                    .to_owned(),
            }),
            Said::Company { .. } | Said::NoCompany { .. } | Said::Nothing => Ok(()),
        }
    }

    async fn member_left(&self, member: MemberKey, _reason: Option<String>) -> Result<(), AppError> {
        customers::member(&member).map(drop)
    }

    async fn look_up(&self, query: LookUp) -> Result<LookUpView, AppError> {
        self.check()?;
        Ok(customers::look_up(query))
    }

    async fn company(&self, place: CompanyPlace) -> Result<CompanyView, AppError> {
        self.check()?;
        customers::company(&place)
    }

    async fn save_company(&self, _save: SaveCompany) -> Result<(), AppError> {
        self.check()
    }

    async fn add_domain(&self, _company: String, _domain: String) -> Result<(), AppError> {
        self.check()
    }
}
