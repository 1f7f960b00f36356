//! What a rule set does with members, companies and persons.

mod any_text;
mod golden;
mod laws;
mod random;
mod stories;
mod tables;
mod touched;
mod world;
