#![doc = include_str!("../README.md")]

mod account;
mod cause;
mod connection;
mod dice;
mod health;
mod id;
mod ledger;
mod number;
mod object;
mod profile;
mod progress;
pub mod record;
mod run;
mod schedule;
mod stream;
mod token;
pub mod unification;

pub use account::{Account, Audience, Role};
pub use cause::{Cause, CauseCode, Owner};
pub use connection::{BaseUrl, Connection, InvalidBaseUrl, InvalidTenantId, TenantId};
pub use dice::Dice;
pub use health::{FRESHNESS_LIMIT_H, Health, INVALID_SHARE_LIMIT, LastRuns};
pub use id::{AccountId, ConnectionId, RunId, SessionId, TokenId};
pub use ledger::{Ledger, Unbalanced};
pub use number::grouped;
pub use object::Object;
pub use profile::{InvalidMapping, MappedColumn, MappedValues, ProfileMapper, ProfileMapping};
pub use progress::{Progress, QueuePlace, StoppedBy, TURN};
pub use run::{Extent, FailedRun, MatchCounts, Mode, Run, RunState, StreamRun, Trigger, window_from};
pub use schedule::{InvalidWindow, SyncTime, SyncWindow};
pub use stream::{ActivitySource, Stage, Stream};
pub use token::{ApiToken, Scope, TokenState};
