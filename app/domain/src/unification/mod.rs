//! The words of unification: companies and persons, the rules that tie a member to them, and what came of it.

mod cause_group;
mod change;
mod company_tree;
mod country;
mod leaver;
mod outcome;
mod party;
mod preview;
mod rule;
mod rule_set;
mod ticket;

pub use cause_group::{Action, CauseGroup};
pub use company_tree::{CompanyTree, ParentCircle};
pub use country::{Country, InvalidCountry};
pub use leaver::{LeaverByHand, LeaverRule, LeaverSigns, Left, LeftBecause};
pub use outcome::{
    Candidate, ComparedValue, DecidedBy, Explanation, Match, MatchStatus, RuleOutcome, RuleResult, WhyNot,
};
pub use party::{Changed, Company, Member, PartyChanges, Person};
pub use preview::{Change, Changes, Preview};
pub use rule::{
    Attribute, Condition, Field, InvalidThreshold, Operator, Rule, Target, Threshold, WhenAmbiguous,
};
pub use rule_set::{DefaultCountries, InvalidRuleSet, RuleSet};
pub use ticket::{
    MAIL_LINK_MAX_CHARS, TICKET_COLUMNS, Ticket, TicketHead, ticket_number, ticket_reference, ticket_row,
};
