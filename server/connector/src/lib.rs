#![doc = include_str!("../README.md")]

mod api;
mod ask;
mod decode;
mod failure;
mod http;
mod outbound;
mod probe;
mod token;

pub use api::CommunityApi;
pub use ask::{Answered, Ask, Asking, NotAnswered};
pub use decode::{DECODER_VERSION, Malformed, Unreplayable, decode, decode_again, decode_counts};
pub use http::{ClientError, HttpClient};
pub use outbound::{AddressKind, AllowedHosts, InvalidHost, Refused, is_public, kind_of};
pub use probe::Probe;
pub use token::Credentials;
