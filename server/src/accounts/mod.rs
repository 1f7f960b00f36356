//! Accounts: passwords, tokens and one-time links.

mod link;
mod operator;
mod password;
mod program;
mod token;

pub(crate) use link::{Link, offer};
pub(crate) use operator::operator;
pub(crate) use password::{check, hash};
pub(crate) use program::{Wanted, make_token, token_hash, token_lives, token_name};
pub(crate) use token::Token;
