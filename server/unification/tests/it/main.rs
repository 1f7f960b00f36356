//! What a rule set does with members, companies and persons.

mod laws;
mod stories;
mod world;
