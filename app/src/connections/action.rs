//! What an admin can do to a connection, and what came of it.

use domain::ConnectionId;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::params::ParamsMap;

use super::api::{Activate, CancelRun, Deactivate, SyncNow};
use crate::{
    error::AppError,
    ui::problem::{self, action_problem},
};

/// The actions of the page. With scripts they remember which connection they were asked for.
#[expect(missing_debug_implementations, reason = "the framework's actions have none")]
#[derive(Clone, Copy)]
pub struct Actions {
    pub sync: ServerAction<SyncNow>,
    pub cancel: ServerAction<CancelRun>,
    pub deactivate: ServerAction<Deactivate>,
    pub activate: ServerAction<Activate>,
    asked_for: RwSignal<Option<ConnectionId>>,
}

impl Default for Actions {
    fn default() -> Self {
        Self {
            sync: ServerAction::new(),
            cancel: ServerAction::new(),
            deactivate: ServerAction::new(),
            activate: ServerAction::new(),
            asked_for: RwSignal::new(None),
        }
    }
}

impl Actions {
    pub fn ask_for(self, connection: ConnectionId) {
        self.sync.clear();
        self.cancel.clear();
        self.deactivate.clear();
        self.activate.clear();
        self.asked_for.set(Some(connection));
    }

    /// Grows whenever something was done: the data is old then.
    pub fn done(self) -> usize {
        self.sync.version().get()
            + self.cancel.version().get()
            + self.deactivate.version().get()
            + self.activate.version().get()
    }

    /// Reads leniently: someone who leaves while the page is rendered takes the signals along.
    fn asked_for(self, connection: ConnectionId) -> bool {
        self.asked_for.try_get().flatten() == Some(connection)
    }

    /// Asked for and not answered yet. Most cards need only the first look.
    pub fn pending(self, connection: ConnectionId) -> bool {
        self.asked_for(connection)
            && (self.sync.pending().get()
                || self.cancel.pending().get()
                || self.deactivate.pending().get()
                || self.activate.pending().get())
    }

    /// Why the last action on this connection failed.
    pub fn failure(self, connection: ConnectionId) -> Option<AnyView> {
        if !self.asked_for(connection) {
            return None;
        }
        let failed = |value: Option<Result<(), AppError>>| value.and_then(Result::err);
        failed(self.sync.value().get().map(|done| done.map(drop)))
            .map(|error| (SyncNow::PATH, error))
            .or_else(|| failed(self.cancel.value().get()).map(|error| (CancelRun::PATH, error)))
            .or_else(|| failed(self.deactivate.value().get()).map(|error| (Deactivate::PATH, error)))
            .or_else(|| failed(self.activate.value().get()).map(|error| (Activate::PATH, error)))
            .map(|(path, error)| action_problem(problem::title_of(&TITLES, path), &error).into_any())
    }
}

/// What each action is called when it failed.
const TITLES: [(&str, &str); 4] = [
    (SyncNow::PATH, "The run could not start"),
    (CancelRun::PATH, "The run could not be cancelled"),
    (Deactivate::PATH, "The connection could not be deactivated"),
    (Activate::PATH, "The connection could not be activated"),
];

/// Without scripts a failed action comes back with the URL.
pub fn failure_in_url(query: &ParamsMap) -> Option<AnyView> {
    problem::failure_in_url(query, &TITLES)
}
