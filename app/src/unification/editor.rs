//! One rule as a form: what it compares, and what becomes of several candidates. Saving changes the draft alone.

use std::fmt::Write as _;

use domain::unification::{Condition, Field, Operator, Rule, WhenAmbiguous};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    api::SaveRule,
    draft::{FUZZY_FIRST_PERCENT, possible_conditions},
    page::drawer_head,
    rules::{carried, shown_set},
    view::RulesView,
};
use crate::ui::markup::Text;

/// As many conditions as a rule may have.
const CONDITIONS_MAX: usize = 6;
/// As many as a form shows at least, so that a second is seen to be possible.
const CONDITIONS_SHOWN: usize = 2;

/// A new rule if there is no id.
pub fn rule_editor(view: &RulesView, id: Option<&str>, close: String) -> impl IntoView + use<> {
    let rule = id.and_then(|id| shown_set(view).rule(id));
    if id.is_some() && rule.is_none() {
        return view! {
            {drawer_head("Edit rule".to_owned(), close)}
            <div class="drawer-content"><p>"This rule is not in the list any more."</p></div>
        }
        .into_any();
    }
    let title = if rule.is_some() { "Edit rule" } else { "Add a rule" };
    let position = rule.map_or(shown_set(view).rules.len(), |rule| {
        shown_set(view)
            .rules
            .iter()
            .position(|other| other.id == rule.id)
            .unwrap_or_default()
    }) + 1;
    view! {
        {drawer_head(title.to_owned(), close.clone())}
        <div class="drawer-content">
            <form class="form" method="post" action=SaveRule::PATH>
                {carried(view)}
                <input type="hidden" name="rule" value=id.unwrap_or_default().to_owned() />
                <fieldset>
                    <legend>"All of these hold"</legend>
                    {condition_fields(rule)}
                    <p class="small">
                        "A condition whose value a user does not have skips the whole rule. The percentage is for comparisons that say \"like\", from 70 to 99."
                    </p>
                </fieldset>
                {when_ambiguous(rule)}
                {switch(rule)}
                <p class="small">{format!("Rule {position} in the list. Move it with the buttons there.")}</p>
                <div class="form-actions">
                    <button class="button primary" type="submit">"Save into the draft"</button>
                    <a class="button" href=close data-noscroll="">"Leave it as it is"</a>
                </div>
            </form>
        </div>
    }
    .into_any()
}

fn condition_fields(rule: Option<&Rule>) -> Vec<AnyView> {
    let conditions = rule.map_or(&[][..], |rule| &rule.conditions[..]);
    let shown = (conditions.len() + 1).clamp(CONDITIONS_SHOWN, CONDITIONS_MAX);
    (0..shown.max(conditions.len()))
        .map(|index| condition_field(index, conditions.get(index)).into_any())
        .collect()
}

fn condition_field(index: usize, chosen: Option<&Condition>) -> impl IntoView + use<> {
    let percent = match chosen.map(|condition| condition.operator) {
        Some(Operator::Fuzzy(threshold)) => threshold.percent(),
        _ => FUZZY_FIRST_PERCENT,
    };
    let number = index + 1;
    view! {
        <div class="condition">
            <select
                name=format!("condition[{index}]")
                aria-label=format!("Condition {number}")
                inner_html=options(chosen)
            ></select>
            <span class="percent">
                <input
                    type="number"
                    name=format!("percent[{index}]")
                    min="70"
                    max="99"
                    value=percent.to_string()
                    aria-label=format!("Least likeness of condition {number}, in percent")
                />
                "%"
            </span>
        </div>
    }
}

/// The choices as markup, grouped by the user's field. Each carries its condition.
fn options(chosen: Option<&Condition>) -> String {
    let all = possible_conditions();
    let mut html = r#"<option value="">No condition</option>"#.to_owned();
    for field in Field::ALL {
        let of_field = all.iter().filter(|condition| condition.field == field);
        let choices: String = of_field.map(|condition| option(*condition, chosen)).collect();
        let _ = write!(
            html,
            r#"<optgroup label="{}">{choices}</optgroup>"#,
            Text(field.label())
        );
    }
    html
}

fn option(condition: Condition, chosen: Option<&Condition>) -> String {
    let fuzzy = |operator: Operator| matches!(operator, Operator::Fuzzy(_));
    let same = chosen.is_some_and(|chosen| {
        *chosen == condition
            || (fuzzy(chosen.operator)
                && fuzzy(condition.operator)
                && (chosen.field, chosen.compared_with) == (condition.field, condition.compared_with))
    });
    let words = if fuzzy(condition.operator) {
        format!(
            "{} is like {}",
            condition.field.label(),
            condition.compared_with.label()
        )
    } else {
        condition.to_string()
    };
    let value = serde_json::to_string(&condition).unwrap_or_default();
    format!(
        r#"<option value="{}"{}>{}</option>"#,
        Text(&value),
        if same { " selected" } else { "" },
        Text(&words)
    )
}

fn when_ambiguous(rule: Option<&Rule>) -> impl IntoView + use<> {
    let go_on = rule.is_some_and(|rule| rule.when_ambiguous == WhenAmbiguous::GoOn);
    view! {
        <fieldset>
            <legend>"If candidates belong to more than one company"</legend>
            <label class="choice">
                <input type="radio" name="go_on" value="no" checked=!go_on />
                "Stop: the user is ambiguous"
            </label>
            <label class="choice">
                <input type="radio" name="go_on" value="yes" checked=go_on />
                "Try the next rule; ambiguous only if none decides"
            </label>
        </fieldset>
    }
}

fn switch(rule: Option<&Rule>) -> impl IntoView + use<> {
    let active = rule.is_none_or(|rule| rule.active);
    view! {
        <label class="choice">
            <input type="checkbox" name="active" value="yes" checked=active />
            "The rule is on"
        </label>
    }
}
