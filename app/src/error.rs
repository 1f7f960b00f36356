//! The one error that crosses the wire. It names what happened, whose turn it is and what to do next; internal causes
//! are logged on the server under a reference, and only the reference crosses.

use domain::Owner;
use leptos::{prelude::*, server_fn::codec::JsonEncoding};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    #[error("{what} does not exist.")]
    NotFound { what: String },
    /// The request cannot be done as things stand; nothing was changed.
    #[error("{what}")]
    Refused { what: String, next_action: String },
    /// Nobody is logged in, or the session is over.
    #[error("You are not logged in, or your session is over.")]
    NotLoggedIn,
    #[error("Your role does not include this.")]
    NotAllowed,
    /// A sensitive change, and the password was given too long ago. [`crate::place::CONFIRM`] asks for it.
    #[error("This change needs your password again.")]
    Unconfirmed,
    #[error("Something on our side failed. Reference {reference}.")]
    Internal { reference: String },
    /// The browser could not reach the server, or the request was not understood.
    #[error("The console cannot reach the server.")]
    Unreachable { detail: String },
}

impl AppError {
    pub fn owner(&self) -> Owner {
        match self {
            Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::NotLoggedIn
            | Self::NotAllowed
            | Self::Unconfirmed => Owner::You,
            Self::Internal { .. } | Self::Unreachable { .. } => Owner::Us,
        }
    }

    pub fn next_action(&self) -> String {
        match self {
            Self::NotFound { .. } => "Check the address, or go back to the list.".to_owned(),
            Self::Refused { next_action, .. } => next_action.clone(),
            Self::NotLoggedIn => "Log in, then try again. Nothing was changed.".to_owned(),
            Self::NotAllowed => {
                "Ask an admin to do it, or to change your role. Nothing was changed.".to_owned()
            }
            Self::Unconfirmed => "Give your password, then try again. Nothing was changed.".to_owned(),
            Self::Internal { .. } => "Reload. If it stays, give the reference to an operator.".to_owned(),
            Self::Unreachable { .. } => "Check that the server runs, then reload.".to_owned(),
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::Unreachable {
            detail: error.to_string(),
        }
    }
}
