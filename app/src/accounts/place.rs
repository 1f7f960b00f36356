//! Where on the pages of accounts and sessions someone is.

use domain::AccountId;
use leptos_router::params::ParamsMap;

use crate::place::Href;

pub const ACCOUNTS: &str = "/administration/accounts";
pub const NEW_ACCOUNT: &str = "/administration/accounts/new";
/// Shows a new one-time link, as the answer to the form that asks for it.
pub const NEW_LINK: &str = "/administration/accounts/link";
pub const SESSIONS: &str = "/administration/accounts/sessions";
pub const YOUR_SESSIONS: &str = "/your-sessions";

/// What is asked before it is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Role,
    Link,
    Disable,
}

impl Ask {
    const ALL: [Self; 3] = [Self::Role, Self::Link, Self::Disable];

    fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Link => "link",
            Self::Disable => "disable",
        }
    }
}

/// Where on the list of accounts; with a question over it, perhaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountsPlace {
    pub asked: Option<(Ask, AccountId)>,
}

impl AccountsPlace {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        let ask = query.get_str("ask");
        let ask = Ask::ALL.into_iter().find(|known| Some(known.as_str()) == ask);
        let account = query.get_str("account").and_then(|id| id.parse().ok());
        Self {
            asked: ask.zip(account),
        }
    }

    pub fn asking(ask: Ask, account: AccountId) -> Self {
        Self {
            asked: Some((ask, account)),
        }
    }

    pub fn href(&self) -> String {
        Href::to(ACCOUNTS)
            .maybe("ask", self.asked.map(|(ask, _)| ask.as_str()))
            .maybe("account", self.asked.map(|(_, account)| account))
            .into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01934f5e-0000-7000-8000-000000000001";

    fn read(pairs: &[(&str, &str)]) -> AccountsPlace {
        let mut query = ParamsMap::new();
        for (name, value) in pairs {
            query.insert((*name).to_owned(), (*value).to_owned());
        }
        AccountsPlace::read(&query)
    }

    #[test]
    fn a_question_is_in_its_link_and_half_a_one_is_none() {
        let asking = read(&[("ask", "disable"), ("account", ID)]);
        assert_eq!(asking.asked.map(|(ask, _)| ask), Some(Ask::Disable));
        assert_eq!(asking.href(), format!("{ACCOUNTS}?ask=disable&account={ID}"));
        for half in [
            read(&[("ask", "delete"), ("account", ID)]),
            read(&[("ask", "role")]),
        ] {
            assert_eq!(half.href(), ACCOUNTS);
        }
    }
}
