//! Parts that several pages use.

pub mod command;
pub mod dialog;
pub mod head;
pub mod health;
pub mod icon;
pub mod ladder;
pub mod markup;
pub mod moment;
pub mod number;
pub mod once;
pub mod password;
pub mod problem;
pub mod stacked;
pub mod words;
