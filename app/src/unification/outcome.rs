//! How a rule's outcome looks, wherever it is shown. In words it is [`RuleResult::words`].

use domain::unification::RuleResult;

use crate::ui::icon::Icon;

/// The drawing, and the class that goes with it.
pub fn shape(result: &RuleResult) -> (Icon, &'static str) {
    match result {
        RuleResult::Off => (Icon::BarsCircle, "quiet"),
        RuleResult::NotReached
        | RuleResult::ValueMissing { .. }
        | RuleResult::ValueUnreadable { .. }
        | RuleResult::FreeMail { .. } => (Icon::Dash, "quiet"),
        RuleResult::NoCandidate
        | RuleResult::TooCommon { .. }
        | RuleResult::PersonWithoutCompany { .. }
        | RuleResult::SeveralWithoutCompany { .. } => (Icon::Cross, "tried"),
        RuleResult::Ambiguous { .. } => (Icon::Triangle, "ambiguous"),
        RuleResult::Decided { .. } => (Icon::TickCircle, "decided"),
    }
}
