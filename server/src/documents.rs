//! JSON documents that more than one face gives away: the command line and REST say the same by the same words.

use chrono::{DateTime, Utc};
use domain::{ActivitySource, Connection, ConnectionId};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use store::{Cell, Field};

/// Of a client id, as many characters as tell two apart without giving it away.
const CLIENT_ID_SHOWN_CHARS: usize = 4;

/// A connection: never with its secret, and with no more of its client id than tells it apart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConnectionDocument {
    pub(crate) id: ConnectionId,
    pub(crate) tenant_id: String,
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) active: bool,
    pub(crate) deactivated_at: Option<DateTime<Utc>>,
    pub(crate) activity_source: Option<ActivitySource>,
    pub(crate) created_at: DateTime<Utc>,
}

impl From<&Connection> for ConnectionDocument {
    fn from(connection: &Connection) -> Self {
        Self {
            id: connection.id,
            tenant_id: connection.tenant_id.to_string(),
            name: connection.name.clone(),
            base_url: connection.base_url.to_string(),
            client_id: last_characters(&connection.client_id),
            active: connection.is_active(),
            deactivated_at: connection.deactivated_at,
            activity_source: connection.activity_source,
            created_at: connection.created_at,
        }
    }
}

fn last_characters(client_id: &str) -> String {
    let hidden = client_id.chars().count().saturating_sub(CLIENT_ID_SHOWN_CHARS);
    // A short one would be shown whole.
    let hidden = hidden.max(client_id.chars().count().min(CLIENT_ID_SHOWN_CHARS) / 2);
    format!("…{}", client_id.chars().skip(hidden).collect::<String>())
}

/// A row of an object with the names of its fields.
#[derive(Debug)]
pub(crate) struct ObjectRow<'r> {
    pub(crate) fields: &'static [Field],
    pub(crate) cells: &'r [Cell],
}

impl Serialize for ObjectRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (field, cell) in self.fields.iter().zip(self.cells) {
            map.serialize_entry(field.name, cell)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_shows_no_more_than_its_end() {
        assert_eq!(last_characters("0123456789abcdef"), "…cdef");
        assert_eq!(last_characters("abcd"), "…cd");
        assert_eq!(last_characters("äöü"), "…öü");
    }
}
