//! Where on the Community Management page someone is. All of it is in the URL, so that every state is a link.

use std::fmt::Write;

use domain::{ConnectionId, RunId, Stream, record::InvalidReason};
use leptos_router::params::ParamsMap;

/// Where a visitor logs in. Like the next two it is the server's own, outside the console.
pub const LOG_IN: &str = "/log-in";
/// Where the form of the log-out button goes.
pub const LOG_OUT: &str = "/log-out";
/// Where the password is given again, before a sensitive change.
pub const CONFIRM: &str = "/confirm";

pub const COMMUNITY_MANAGEMENT: &str = "/administration/general/community-management";

/// An address that grows by its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Href(String);

impl Href {
    pub fn to(path: &str) -> Self {
        Self(path.to_owned())
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &dyn std::fmt::Display) -> Self {
        let sign = if self.0.contains('?') { '&' } else { '?' };
        let _ = write!(self.0, "{sign}{name}=");
        escape(&value.to_string(), &mut self.0);
        self
    }

    /// Leaves out what is not there.
    #[must_use]
    pub fn maybe<T: std::fmt::Display>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

/// Writes a value so that the router reads it back. It decodes twice, so a percent sign is written twice, too.
fn escape(value: &str, into: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'%' => into.push_str("%2525"),
            b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'@' => into.push(char::from(byte)),
            letter if letter.is_ascii_alphanumeric() => into.push(char::from(letter)),
            other => {
                let _ = write!(into, "%{other:02X}");
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Connections,
    ActivityLogs,
}

/// The invalid records of one reason, within a run's Summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPlace {
    pub stream: Stream,
    pub reason: InvalidReason,
    /// From 1.
    pub page: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub tab: Tab,
    /// The log is narrowed to it, or it is about to be deactivated.
    pub connection: Option<ConnectionId>,
    /// Of the log; 0 and 1 are the first.
    pub page: u32,
    /// The run whose Summary is open.
    pub run: Option<RunId>,
    pub invalid: Option<InvalidPlace>,
    /// Deactivating `connection` waits for a yes.
    pub confirm: bool,
}

impl Place {
    pub fn log(connection: Option<ConnectionId>) -> Self {
        Self {
            tab: Tab::ActivityLogs,
            connection,
            ..Self::default()
        }
    }

    pub fn confirm(connection: ConnectionId) -> Self {
        Self {
            connection: Some(connection),
            confirm: true,
            ..Self::default()
        }
    }

    /// What cannot be read is as if it were not there.
    pub fn read(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get_str(name);
        let number = |name: &str| text(name).and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        let run = text("run").and_then(|id| id.parse().ok());
        let invalid = run
            .and(text("stream").and_then(Stream::parse))
            .zip(text("reason").and_then(InvalidReason::parse))
            .map(|(stream, reason)| InvalidPlace {
                stream,
                reason,
                page: number("records"),
            });
        let logs = text("tab") == Some("activity-logs");
        Self {
            tab: if logs { Tab::ActivityLogs } else { Tab::Connections },
            connection: text("connection").and_then(|id| id.parse().ok()),
            page: number("page"),
            run,
            invalid,
            confirm: text("confirm") == Some("deactivate"),
        }
    }

    /// The page under a drawer or a dialog.
    #[must_use]
    pub fn closed(self) -> Self {
        Self {
            connection: self.connection.filter(|_| self.tab == Tab::ActivityLogs),
            run: None,
            invalid: None,
            confirm: false,
            ..self
        }
    }

    #[must_use]
    pub fn with_run(self, run: RunId) -> Self {
        Self {
            run: Some(run),
            ..self.closed()
        }
    }

    #[must_use]
    pub fn with_invalid(self, invalid: Option<InvalidPlace>) -> Self {
        Self { invalid, ..self }
    }

    #[must_use]
    pub fn with_page(self, page: u32) -> Self {
        Self {
            page,
            ..self.closed()
        }
    }

    pub fn href(&self) -> String {
        let mut href = COMMUNITY_MANAGEMENT.to_owned();
        let mut sign = '?';
        let mut add = |name: &str, value: &dyn std::fmt::Display| {
            let _ = write!(href, "{sign}{name}={value}");
            sign = '&';
        };
        if self.tab == Tab::ActivityLogs {
            add("tab", &"activity-logs");
        }
        if self.confirm {
            add("confirm", &"deactivate");
        }
        if let Some(connection) = self.connection {
            add("connection", &connection);
        }
        if self.page > 1 {
            add("page", &self.page);
        }
        if let Some(run) = self.run {
            add("run", &run);
        }
        if let Some(invalid) = self.invalid {
            add("stream", &invalid.stream);
            add("reason", &invalid.reason.as_str());
            if invalid.page > 1 {
                add("records", &invalid.page);
            }
        }
        href
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01934f5e-0000-7000-8000-000000000001";

    fn read(pairs: &[(&str, &str)]) -> Place {
        let mut query = ParamsMap::new();
        for (name, value) in pairs {
            query.insert((*name).to_owned(), (*value).to_owned());
        }
        Place::read(&query)
    }

    #[test]
    fn every_part_of_a_place_is_in_its_link() {
        let place = read(&[
            ("tab", "activity-logs"),
            ("connection", ID),
            ("page", "3"),
            ("run", ID),
            ("stream", "users"),
            ("reason", "unreadable_time"),
            ("records", "2"),
        ]);
        assert_eq!(
            place.href(),
            format!(
                "{COMMUNITY_MANAGEMENT}?tab=activity-logs&connection={ID}&page=3&run={ID}&stream=users&reason=unreadable_time&records=2"
            )
        );
        assert_eq!(
            place.closed().href(),
            format!("{COMMUNITY_MANAGEMENT}?tab=activity-logs&connection={ID}&page=3")
        );
    }

    #[test]
    fn whatever_is_in_an_address_is_read_back() {
        let value = "50%25 of \"a&b\" + c=d é #1 / ?";
        let href = Href::to("/a")
            .with("one", &1)
            .with("text", &value)
            .maybe::<u8>("none", None);
        let url = url::Url::parse("http://localhost")
            .and_then(|base| base.join(&href.into_text()))
            .expect("an address");
        let query: ParamsMap = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        assert_eq!(query.get_str("text"), Some(value));
        assert_eq!(query.get_str("one"), Some("1"));
        assert_eq!(query.get_str("none"), None);
    }

    #[test]
    fn nonsense_is_as_if_it_were_not_there() {
        let place = read(&[
            ("tab", "x"),
            ("connection", "1"),
            ("page", "-2"),
            ("run", "'"),
            ("confirm", "yes"),
        ]);
        assert_eq!(place.href(), COMMUNITY_MANAGEMENT);
    }

    #[test]
    fn a_confirmation_closes_to_the_cards() {
        let place = Place::confirm(ID.parse().expect("an id"));
        assert_eq!(
            place.href(),
            format!("{COMMUNITY_MANAGEMENT}?confirm=deactivate&connection={ID}")
        );
        assert_eq!(place.closed().href(), COMMUNITY_MANAGEMENT);
    }
}
