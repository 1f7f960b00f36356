#![doc = include_str!("../README.md")]

mod batch;
mod checkpoint;
mod clock;
mod hash;
mod listing;
mod machine;
mod meter;
mod missing;
mod pace;
mod reading;
mod retry;
mod runner;
mod seen;
mod settings;
mod shard;
mod signals;
mod source;
mod steady;
mod thread;
mod unify;
mod window;

pub use checkpoint::try_to_go_on;
pub use clock::{Clock, Ids};
pub use hash::content_hash;
pub use pace::Pace;
pub use retry::RetryPolicy;
pub use runner::{Execution, Runner};
pub use settings::{InvalidBackoff, Settings, parse_backoff};
pub use signals::Signals;
pub use source::{
    Failure, Fetched, Lookup, PAGE_SIZE, Page, PageRequest, Presence, Served, Source, TopicFilter,
};
pub use unify::{Known, MatchStep, Unifier};
