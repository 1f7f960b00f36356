//! Where on the pages of erasing someone is. The person is in no address: only receipts are, which name nobody.

use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

use super::view::Leftovers;
use crate::place::Href;

pub const ERASE: &str = "/administration/erase";
pub const RECEIPT: &str = "/administration/erase/receipt";
/// The same as a file; a route of the server's own.
pub const RECEIPT_JSON: &str = "/administration/erase/receipt.json";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptPlace {
    /// Of the erasure.
    pub id: String,
    /// What is to be told of the files, right after the erasure.
    pub leftovers: Option<Leftovers>,
    /// The person had been erased before.
    pub again: bool,
}

impl ReceiptPlace {
    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        Self {
            id: query.get("id").unwrap_or_default(),
            leftovers: query.get_str("files").and_then(Leftovers::parse),
            again: query.get_str("again").is_some(),
        }
    }

    pub fn of(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }

    pub fn href(&self) -> String {
        Href::to(RECEIPT)
            .with("id", &self.id)
            .maybe("files", self.leftovers.map(Leftovers::as_str))
            .maybe("again", self.again.then_some("yes"))
            .into_text()
    }

    pub fn json_href(&self) -> String {
        Href::to(RECEIPT_JSON).with("id", &self.id).into_text()
    }
}
