//! Asks before something is done to an account: a state of the page at its own URL, with or without scripts.

use domain::Role;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    api::{ChangeRole, DisableAccount},
    list::AccountsResource,
    place::{ACCOUNTS, AccountsPlace, Ask, NEW_LINK},
    view::{AccountRow, AccountState},
};
use crate::ui::{dialog::Dialog, words};

/// The question, if the place asks one that this account can be asked.
pub fn question(place: Memo<AccountsPlace>, content: AccountsResource) -> Option<AnyView> {
    let (ask, id) = place.get().asked?;
    content.with(|content| {
        let view = content.as_ref()?.as_ref().ok()?;
        let account = view.rows.iter().find(|account| account.id == id)?;
        (account.state != AccountState::Disabled).then(|| asked(ask, account).into_any())
    })
}

fn asked(ask: Ask, account: &AccountRow) -> impl IntoView + use<> {
    let Asked {
        title,
        consequences,
        action,
        button,
        keep,
    } = Asked::of(ask, account);
    let id = account.id.to_string();
    let role = (ask == Ask::Role)
        .then(|| view! { <input type="hidden" name="role" value=other(account.role).as_str() /> });
    let class = if ask == Ask::Link {
        "button primary"
    } else {
        "button danger"
    };
    view! {
        <Dialog class="confirm" labelled_by="confirm-title" close=ACCOUNTS.to_owned()>
            <div class="confirm-body">
                <h2 id="confirm-title">{title}</h2>
                <p>{consequences}</p>
                <div class="confirm-actions">
                    <a class="button" href=ACCOUNTS data-noscroll="" autofocus>{keep}</a>
                    <form method="post" action=action>
                        <input type="hidden" name="account" value=id />
                        {role}
                        <button class=class type="submit">{button}</button>
                    </form>
                </div>
            </div>
        </Dialog>
    }
}

struct Asked {
    title: String,
    consequences: &'static str,
    action: &'static str,
    button: String,
    keep: &'static str,
}

impl Asked {
    fn of(ask: Ask, account: &AccountRow) -> Self {
        let email = &account.email;
        match ask {
            Ask::Role => Self {
                title: format!("Make {email} {}?", a_role(other(account.role))),
                consequences: match account.role {
                    Role::Admin => {
                        "They read what customers do, and change nothing any more. Their sessions end; they log in again."
                    }
                    Role::Csm => {
                        "They change connections, rules, accounts and tokens, and may erase people. Their sessions end; they log in again."
                    }
                },
                action: ChangeRole::PATH,
                button: format!("Make {}", a_role(other(account.role))),
                keep: "Leave the role",
            },
            Ask::Link => Self {
                title: format!("Make a one-time link for {email}?"),
                consequences: "Whoever has the link chooses a new password for this account, once. An earlier link is good no more. The password that is in use stays good until then.",
                action: NEW_LINK,
                button: "Make the link".to_owned(),
                keep: "Make none",
            },
            Ask::Disable => Self {
                title: format!("Disable {email}?"),
                consequences: "They are logged out everywhere at once and cannot log in, and their links and API tokens are good no more. What they did stays in the audit trail. You can enable the account again at any time.",
                action: DisableAccount::PATH,
                button: "Disable the account".to_owned(),
                keep: "Keep it active",
            },
        }
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Admin => Role::Csm,
        Role::Csm => Role::Admin,
    }
}

/// `an admin`, `a CSM`.
fn a_role(role: Role) -> String {
    match role {
        Role::Admin => format!("an {}", words::role(role).to_lowercase()),
        Role::Csm => format!("a {}", words::role(role)),
    }
}
