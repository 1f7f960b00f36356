//! Accounts: passwords, tokens and one-time links.

mod link;
mod operator;
mod password;
mod token;

pub(crate) use link::{Link, offer};
pub(crate) use operator::operator;
pub(crate) use password::{check, hash};
pub(crate) use token::Token;
