#![doc = include_str!("../README.md")]

mod connections;
#[cfg(feature = "contract")]
pub mod contract;
mod deletion;
mod error;
mod overview;
mod pages;
mod runs;

pub use connections::{AddConnectionError, ConnectionStore, NewConnection};
pub use deletion::{Deletion, DeletionStore};
pub use error::{Fenced, StoreError};
pub use overview::{ConnectionOverview, ObjectCounts, OverviewStore, RunMark};
pub use pages::{ContentHash, PageCommit, PageOutcome, PageStore, Row, StreamEnd, TopicRef};
pub use runs::{
    ClaimRequest, ClaimedRun, Enqueued, Finish, InvalidGroup, InvalidPage, Lease, LeaseState, NewRun,
    RunPage, RunQuery, RunStore,
};

/// A whole store. What has all the parts is one.
pub trait Store: ConnectionStore + RunStore + PageStore + DeletionStore + OverviewStore {}

impl<T: ConnectionStore + RunStore + PageStore + DeletionStore + OverviewStore> Store for T {}
