//! Commands for an operator, selectable in one click.

use leptos::prelude::*;

use crate::scripts::copy::copy_button;

/// Every command of the product begins with this.
const PROGRAM: &str = "tributary ";

pub const ADD_CONNECTION: &str = "tributary connection add --tenant-id customer-en --base-url URL --client-id ID --client-secret-file FILE";

pub fn command(text: String) -> impl IntoView {
    let copied = text.clone();
    view! {
        <div class="command-line">
            <code class="command">{text}</code>
            {copy_button(copied)}
        </div>
    }
}

/// A next action and the command that ends it, if one does: `Ask an operator to run: tributary …`.
pub fn split(next_action: &str) -> (&str, Option<&str>) {
    match next_action.split_once(": ") {
        Some((words, command)) if command.starts_with(PROGRAM) && !command.contains(". ") => {
            (words, Some(command))
        }
        _ => (next_action, None),
    }
}

#[cfg(test)]
mod tests {
    use domain::CauseCode;

    use super::*;

    #[test]
    fn a_command_at_the_end_is_told_from_the_words() {
        let text = CauseCode::CredentialsRefused.next_action("customer-en");
        let (words, command) = split(&text);
        assert_eq!(words, "Ask an operator to run");
        assert!(
            command.is_some_and(|command| command.starts_with("tributary connection rotate customer-en"))
        );
    }

    #[test]
    fn words_that_go_on_after_a_command_stay_whole() {
        let text = "Look at it: tributary connection list. Then tell an operator.";
        assert_eq!(split(text), (text, None));
    }
}
