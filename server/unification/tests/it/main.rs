//! What a rule set does with members, companies and persons.

mod golden;
mod laws;
mod random;
mod stories;
mod tables;
mod world;
