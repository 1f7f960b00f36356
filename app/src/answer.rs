//! Forms that the page itself answers.
//!
//! A one-time link, an API token and the address of a person must be in no URL, no cookie and no log. A form that
//! redirects would have to keep what it brings until the browser comes back, and perhaps to another process; so the
//! answer to such a POST is the page itself, with the answer in it. It is kept nowhere, and there is one way for browsers
//! with and without scripts. Loading the page again asks the server anew, which says what is there already.

use std::fmt;

use leptos::{
    prelude::*,
    server_fn::{ServerFn, error::FromServerFnError},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    accounts::{
        api::{AddAccount, OfferLink},
        place::{NEW_ACCOUNT, NEW_LINK},
    },
    erasure::{api::FindPerson, place::ERASE},
    error::AppError,
    tokens::{api::AddToken, place::NEW_TOKEN},
};

/// Pages whose form they answer themselves, each with the server function that takes the form.
pub const ANSWERED: [(&str, &str); 4] = [
    (NEW_ACCOUNT, AddAccount::PATH),
    (NEW_LINK, OfferLink::PATH),
    (NEW_TOKEN, AddToken::PATH),
    (ERASE, FindPerson::PATH),
];

/// What a server function answered to the form of a page. It crosses to the browser with the page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswer {
    /// Of the server function.
    path: String,
    /// As JSON, if it was done.
    value: Result<String, AppError>,
}

/// What it brings is shown to one person alone.
impl fmt::Debug for FormAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormAnswer of {}", self.path)
    }
}

impl FormAnswer {
    /// `done` says whether `body` is the value or the error, as the server function wrote it.
    pub fn new(path: &str, done: bool, body: &[u8]) -> Self {
        let value = if done {
            Ok(String::from_utf8_lossy(body).into_owned())
        } else {
            Err(AppError::de(body.to_vec().into()))
        };
        Self {
            path: path.to_owned(),
            value,
        }
    }

    fn of<F>(self) -> Option<Result<F::Output, AppError>>
    where
        F: ServerFn,
        F::Output: DeserializeOwned,
    {
        if self.path != F::PATH {
            return None;
        }
        let read = |json: String| {
            serde_json::from_str(&json).map_err(|error| AppError::Unreachable {
                detail: error.to_string(),
            })
        };
        Some(self.value.and_then(read))
    }
}

/// What the form of this page was answered, if the page is that answer.
pub fn answer_of<F>() -> Option<Result<F::Output, AppError>>
where
    F: ServerFn,
    F::Output: DeserializeOwned,
{
    let answer = SharedValue::new(use_context::<FormAnswer>).into_inner();
    answer?.of::<F>()
}

/// A text that is shown once, and to one person. It never shows itself otherwise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> AppError {
        AppError::Refused {
            what: "There is such an account already.".to_owned(),
            next_action: "Nothing.".to_owned(),
        }
    }

    #[test]
    fn an_answer_is_read_by_the_page_that_it_is_for_alone() {
        let answer = FormAnswer::new(OfferLink::PATH, true, b"null");
        assert_eq!(answer.clone().of::<AddAccount>(), None);
        assert!(
            answer.of::<OfferLink>().is_some_and(|read| read.is_err()),
            "null is no link"
        );
        let answer = FormAnswer::new(AddAccount::PATH, false, &refused().ser());
        assert_eq!(answer.of::<AddAccount>(), Some(Err(refused())));
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("b3a1".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret");
        let answer = FormAnswer::new(AddToken::PATH, true, b"\"b3a1\"");
        assert!(!format!("{answer:?}").contains("b3a1"));
    }
}
