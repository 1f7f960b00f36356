#![doc = include_str!("../README.md")]

mod evaluate;
mod explain;
mod fuzzy;
mod index;
mod key;
mod lists;
mod matcher;
pub mod normalise;
mod parallel;
mod rulebook;
mod strings;
mod touched;
mod view;

pub use index::IndexError;
pub use lists::{FREE_MAIL_DOMAINS, LEGAL_FORMS, Lists, UnreadableList};
pub use matcher::{Matcher, MatcherBuilder};
pub use parallel::{Cancelled, Threads};
pub use rulebook::UnusableRuleSet;
pub use touched::Touched;
