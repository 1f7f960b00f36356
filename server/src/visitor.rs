//! Who asks, and from where: resolved once for each request, before anything is answered.

use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Account, ApiToken, Role};
use store::{Actor, By, Session};

/// A sensitive change asks for the password again once it was given longer ago than this.
pub(crate) const CONFIRMED_FOR: TimeDelta = TimeDelta::minutes(10);

/// Who asks. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Who {
    /// Someone who has not logged in, or whose session is over.
    #[default]
    Nobody,
    Account(Arc<LoggedIn>),
    /// A program that shows a token which is good now.
    Program(Arc<ApiToken>),
}

/// Someone with a session that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedIn {
    pub(crate) account: Account,
    pub(crate) session: Session,
}

/// Who sent a request, and from which address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) who: Who,
    /// Of the client; none where no request is being answered.
    pub(crate) address: Option<IpAddr>,
}

impl Visitor {
    pub(crate) fn logged_in(&self) -> Option<&LoggedIn> {
        match &self.who {
            Who::Account(logged_in) => Some(logged_in),
            Who::Nobody | Who::Program(_) => None,
        }
    }

    pub(crate) fn program(&self) -> Option<&ApiToken> {
        match &self.who {
            Who::Program(token) => Some(token),
            Who::Nobody | Who::Account(_) => None,
        }
    }

    /// What pages admit them as; `None` is someone who has not logged in, or a program, which is judged by its scopes.
    pub(crate) fn role(&self) -> Option<Role> {
        self.logged_in().map(|logged_in| logged_in.account.role)
    }

    /// As the audit trail names them.
    pub(crate) fn by(&self, at: DateTime<Utc>) -> By {
        By {
            actor: match &self.who {
                Who::Nobody => Actor::Nobody,
                Who::Account(logged_in) => Actor::Account(logged_in.account.id),
                Who::Program(token) => Actor::Token(token.id),
            },
            origin: self.address.map(|address| address.to_string()),
            at,
        }
    }

    /// Whether they gave the password a short while ago.
    pub(crate) fn confirmed(&self, now: DateTime<Utc>) -> bool {
        self.logged_in()
            .is_some_and(|logged_in| now - logged_in.session.confirmed_at <= CONFIRMED_FOR)
    }
}
