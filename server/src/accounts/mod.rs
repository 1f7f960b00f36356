//! Accounts: passwords, tokens, one-time links, and the door that lets people in.

mod door;
mod lane;
mod link;
mod operator;
mod password;
mod program;
mod token;
mod tries;

pub(crate) use door::{Attempt, Caller, Confirmed, Door, Issued, LogIn, Setting};
pub(crate) use link::{Link, SET_UP_PATH, offer, offer_first};
pub(crate) use operator::operator;
pub(crate) use password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, WeakPassword, check, hash};
pub(crate) use program::{BadToken, Wanted, make_token, token_lives, token_name};
pub(crate) use token::Token;
