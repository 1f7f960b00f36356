//! A backend that knows one small installation by heart, at a fixed moment. The counts add up, within a page and
//! between pages.

pub(crate) mod administration;
mod customers;
mod installation;
pub(crate) mod unification;

use std::sync::Arc;

use app::{
    accounts::view::{AccountsView, LinkView, SessionsView},
    activity::view::{ActivityLogQuery, ActivityLogView, LOG_PAGE_ROWS},
    audit::{place::AuditPlace, view::AuditView},
    backend::Backend,
    companies::{
        place::{CompanyPlace, LookUp},
        view::{CompanyView, LookUpView, SaveCompany},
    },
    connections::view::ConnectionsView,
    erasure::{
        place::ReceiptPlace,
        view::{ErasuresView, Leftovers, PersonView, ReceiptView},
    },
    error::AppError,
    layout::{AccountLine, FrameView},
    runs::view::{INVALID_PAGE_ROWS, InvalidRecordsQuery, InvalidRecordsView, LiveView, SummaryView},
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
    AccountId, ConnectionId, Role, RunId, Scope, SessionId, TokenId, record::InvalidRecord,
    unification::RuleSet,
};

pub(crate) use administration::account_id;
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
            account: Some(AccountLine {
                email: "ana@company.example".to_owned(),
                role: Role::Admin,
            }),
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

    async fn live_runs(&self, runs: Vec<RunId>) -> Result<LiveView, AppError> {
        self.check()?;
        let current = installation::cards().into_iter().filter_map(|card| card.current);
        Ok(LiveView {
            as_of: at(23, 7, 42, 11),
            runs: current.filter(|run| runs.contains(&run.id)).collect(),
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

    async fn cancel_preview(&self, _draft: RuleSet) -> Result<(), AppError> {
        self.check()
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

    async fn member_left(&self, member: MemberKey, _said: SaidOfLeaving) -> Result<(), AppError> {
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

    async fn accounts(&self) -> Result<AccountsView, AppError> {
        self.check()?;
        Ok(administration::accounts())
    }

    /// Where nothing has run yet, the password was given some time ago.
    async fn check_confirmed(&self) -> Result<(), AppError> {
        if *self == Self::New {
            return Err(AppError::Unconfirmed);
        }
        self.check()
    }

    async fn add_account(&self, email: String, role: Role) -> Result<LinkView, AppError> {
        administration::link(email, role)
    }

    async fn offer_link(&self, _account: AccountId) -> Result<LinkView, AppError> {
        administration::link("eve@customer.example".to_owned(), Role::Csm)
    }

    async fn change_role(&self, account: AccountId, _role: Role) -> Result<(), AppError> {
        if account == account_id(1) {
            return Err(AppError::Refused {
                what: "The last admin stays one.".to_owned(),
                next_action: "Make another account an admin first. Nothing was changed.".to_owned(),
            });
        }
        self.check()
    }

    async fn set_disabled(&self, _account: AccountId, _disabled: bool) -> Result<(), AppError> {
        self.check()
    }

    async fn session_times(&self) -> Result<SessionTimes, AppError> {
        self.check()?;
        Ok(administration::session_times())
    }

    async fn stay_logged_in(&self) -> Result<SessionTimes, AppError> {
        self.check()?;
        Ok(administration::session_times())
    }

    async fn sessions(&self) -> Result<SessionsView, AppError> {
        self.check()?;
        Ok(administration::sessions())
    }

    async fn your_sessions(&self) -> Result<SessionsView, AppError> {
        self.check()?;
        Ok(administration::your_sessions())
    }

    async fn end_session(&self, _session: SessionId) -> Result<(), AppError> {
        self.check()
    }

    async fn end_your_session(&self, _session: SessionId) -> Result<(), AppError> {
        self.check()
    }

    async fn end_your_other_sessions(&self) -> Result<(), AppError> {
        self.check()
    }

    async fn change_password(&self, _password: String) -> Result<(), AppError> {
        self.check()
    }

    async fn audit_trail(&self, place: AuditPlace) -> Result<AuditView, AppError> {
        self.check()?;
        if place.deed.as_deref() == Some("nothing") {
            return Err(AppError::Refused {
                what: "The trail knows no deed “nothing”.".to_owned(),
                next_action: "Open the whole trail, and choose from its lists.".to_owned(),
            });
        }
        Ok(administration::audit_trail(&place))
    }

    async fn erasures(&self) -> Result<ErasuresView, AppError> {
        self.check()?;
        Ok(administration::erasures())
    }

    async fn find_person(&self, email: String) -> Result<PersonView, AppError> {
        self.check()?;
        Ok(administration::person(email))
    }

    async fn erase_person(&self, _email: String) -> Result<ReceiptPlace, AppError> {
        let receipt = administration::erasures().receipts.remove(0);
        Ok(ReceiptPlace {
            leftovers: Some(Leftovers::Pending),
            ..ReceiptPlace::of(&receipt.id)
        })
    }

    async fn receipt(&self, id: String) -> Result<ReceiptView, AppError> {
        self.check()?;
        administration::receipt(&id)
    }

    async fn tokens(&self) -> Result<TokensView, AppError> {
        self.check()?;
        Ok(administration::tokens(*self))
    }

    async fn add_token(
        &self,
        name: String,
        scopes: Vec<Scope>,
        _days: u32,
    ) -> Result<NewTokenView, AppError> {
        administration::new_token(&name, &scopes)
    }

    async fn revoke_token(&self, _token: TokenId) -> Result<(), AppError> {
        self.check()
    }
}
