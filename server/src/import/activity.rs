//! Activity as CSV with a header, or as JSON lines.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use domain::record::Activity;
use serde::Deserialize;

use super::{
    header::{FileError, Header, Others, quoted, text},
    lines::{Line, Lines},
};

/// The columns of the CSV and the fields of a JSON line.
const COLUMNS: [&str; 5] = ["event_id", "type", "occurred_at", "user_id", "content_public_id"];

/// The last second of the year 9999: later ones are milliseconds or nonsense.
const LAST_SECOND: i64 = 253_402_300_799;

const LOCAL_FORMATS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
];

/// How a line is read.
#[derive(Debug)]
enum Shape {
    Csv(Box<Header>),
    JsonLines,
}

/// What one line says.
pub(crate) type Event = (u64, Result<Activity, String>);

#[derive(Debug)]
pub(crate) struct ActivityFile<R> {
    lines: Lines<R>,
    shape: Shape,
    /// The first line, if it is an event.
    first: Option<Line>,
}

impl<R: BufRead> ActivityFile<R> {
    /// Reads the header, or finds that the lines are JSON.
    pub(crate) fn open(reader: R) -> Result<Self, FileError> {
        let mut lines = Lines::new(reader);
        let Line { number, text } = lines.next()?.ok_or(FileError::Empty)?;
        let text = text.map_err(|error| FileError::Unreadable(number, error))?;
        if text.trim_start().starts_with('{') {
            return Ok(Self {
                lines,
                shape: Shape::JsonLines,
                first: Some(Line {
                    number,
                    text: Ok(text),
                }),
            });
        }
        Ok(Self {
            shape: Shape::Csv(Box::new(Header::read(
                &text,
                &COLUMNS,
                &BTreeMap::new(),
                Others::Refused,
            )?)),
            lines,
            first: None,
        })
    }

    /// The next line's event, or why it is none.
    pub(crate) fn next(&mut self) -> io::Result<Option<Event>> {
        let line = match self.first.take() {
            Some(line) => Some(line),
            None => self.lines.next()?,
        };
        let Some(Line { number, text }) = line else {
            return Ok(None);
        };
        let event = text.map_err(|error| error.to_string());
        let event = event.and_then(|text| match &mut self.shape {
            Shape::Csv(header) => csv_event(&text, header),
            Shape::JsonLines => json_event(&text),
        });
        Ok(Some((number, event)))
    }
}

fn csv_event(line: &str, header: &mut Header) -> Result<Activity, String> {
    let cells = header.cells(line)?;
    let cell = |column: usize| cells.get(column).map_or("", String::as_str);
    activity(&Raw {
        event_id: cell(0),
        activity_type: cell(1),
        occurred_at: cell(2),
        user_id: cell(3),
        content_public_id: cell(4),
    })
}

/// An id or a time, which may be a number.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
    #[default]
    Nothing,
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Nothing => String::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct JsonLine {
    #[serde(default)]
    event_id: Scalar,
    #[serde(default, rename = "type")]
    activity_type: Scalar,
    #[serde(default)]
    occurred_at: Scalar,
    #[serde(default)]
    user_id: Scalar,
    #[serde(default)]
    content_public_id: Scalar,
}

fn json_event(line: &str) -> Result<Activity, String> {
    let line: JsonLine = serde_json::from_str(line)
        .map_err(|error| format!("it cannot be read as a JSON object of texts and numbers: {error}"))?;
    activity(&Raw {
        event_id: &line.event_id.text(),
        activity_type: &line.activity_type.text(),
        occurred_at: &line.occurred_at.text(),
        user_id: &line.user_id.text(),
        content_public_id: &line.content_public_id.text(),
    })
}

/// An event as its line gives it.
struct Raw<'l> {
    event_id: &'l str,
    activity_type: &'l str,
    occurred_at: &'l str,
    user_id: &'l str,
    content_public_id: &'l str,
}

fn activity(raw: &Raw<'_>) -> Result<Activity, String> {
    Ok(Activity {
        event_id: text("event_id", raw.event_id)?.ok_or("event_id is missing")?,
        activity_type: text("type", raw.activity_type)?
            .ok_or("type is missing")?
            .to_lowercase(),
        occurred_at: time("occurred_at", raw.occurred_at)?,
        user_id: text("user_id", raw.user_id)?,
        content_public_id: text("content_public_id", raw.content_public_id)?,
    })
}

/// ISO 8601, in UTC where it names no offset, or unix seconds.
pub(super) fn time(name: &str, given: &str) -> Result<DateTime<Utc>, String> {
    let given = given.trim();
    if given.is_empty() {
        return Err(format!("{name} is missing"));
    }
    let local = || {
        let parsed = LOCAL_FORMATS
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(given, format).ok());
        let date = || {
            NaiveDate::parse_from_str(given, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        };
        parsed.or_else(date).map(|local| local.and_utc())
    };
    let seconds = || DateTime::from_timestamp(given.parse().ok()?, 0);
    DateTime::parse_from_rfc3339(given)
        .map(|time| time.to_utc())
        .ok()
        .or_else(local)
        .or_else(seconds)
        .filter(|time| (1..=LAST_SECOND).contains(&time.timestamp()))
        // Databases keep microseconds.
        .and_then(|time| DateTime::from_timestamp_micros(time.timestamp_micros()))
        .ok_or_else(|| {
            format!(
                "{name} {:?} is not a time; write it as in 2026-01-31T08:15:00Z",
                quoted(given)
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "event_id,type,occurred_at,user_id,content_public_id\n";

    fn events(file: &[u8]) -> Result<Vec<Event>, FileError> {
        let mut file = ActivityFile::open(file)?;
        let mut events = Vec::new();
        while let Some(event) = file.next()? {
            events.push(event);
        }
        Ok(events)
    }

    fn event(user_id: Option<&str>) -> Activity {
        Activity {
            event_id: "e1".into(),
            activity_type: "view".into(),
            occurred_at: DateTime::from_timestamp(1_767_225_600, 0).expect("a time"),
            user_id: user_id.map(str::to_owned),
            content_public_id: Some("41".into()),
        }
    }

    #[test]
    fn every_form_of_a_line_is_the_same_event() {
        for line in [
            "e1,view,2026-01-01T00:00:00Z,7,41",
            "\"e1\",View,2026-01-01,\"7\",41",
            " e1 , view ,1767225600, 7 ,41 ",
            "e1,view,2026-01-01T01:00:00+01:00,7,41",
            "e1,view,2026-01-01 00:00:00,7,41",
            "e1,view,2026-01-01 00:00:00.0000001,7,41",
        ] {
            let read = events(format!("\u{feff}{HEADER}{line}\r\n").as_bytes()).expect("a header");
            assert_eq!(read, [(2, Ok(event(Some("7"))))], "{line}");
        }
        for line in [
            r#"{"event_id":"e1","type":"view","occurred_at":"2026-01-01T00:00:00Z","user_id":"7","content_public_id":41}"#,
            r#" {"event_id":"e1","type":"view","occurred_at":1767225600,"user_id":7,"content_public_id":"41","more":[{}]}"#,
        ] {
            assert_eq!(
                events(line.as_bytes()).expect("JSON"),
                [(1, Ok(event(Some("7"))))]
            );
        }
        let swapped = b"type,event_id,occurred_at,content_public_id,user_id\nview,e1,2026-01-01,41,\n";
        assert_eq!(events(swapped).expect("a header"), [(2, Ok(event(None)))]);
    }

    #[test]
    fn bad_lines_are_told_by_number_and_good_ones_kept() {
        let file = format!(
            "{HEADER}e1,view,2026-01-01,7,41\n,view,2026-01-01,7,41\n\ne1,view,tomorrow,7,41\ne1,view\n\
             e1,view,0000-00-00,7,41\ne1,view,1767225600000,7,41\n\"e1,view,2026-01-01,7,41\ne1,view,2026-01-01,7,41\n"
        );
        let read = events(file.as_bytes()).expect("a header");
        let good: Vec<u64> = read
            .iter()
            .filter(|line| line.1.is_ok())
            .map(|line| line.0)
            .collect();
        assert_eq!(good, [2, 10]);
        let message = |number: u64| {
            let found = read.iter().find(|line| line.0 == number).expect("the line");
            found.1.clone().expect_err("a bad line")
        };
        assert_eq!(message(3), "event_id is missing");
        assert!(message(5).contains("\"tomorrow\" is not a time"));
        assert!(message(6).contains("2 cells"));
        for number in [7, 8, 9] {
            assert!(!message(number).is_empty());
        }
        let json =
            "{}\n[]\n{\"event_id\":{}}\n{\"event_id\":\"a\\u0000\",\"type\":\"view\",\"occurred_at\":1}";
        let read = events(json.as_bytes()).expect("JSON");
        assert_eq!(read.iter().filter(|line| line.1.is_err()).count(), 4);
    }

    #[test]
    fn a_header_that_is_none_is_refused_whole() {
        let refused = |file: &str| events(file.as_bytes()).expect_err("no header").to_string();
        assert_eq!(refused(" \n"), "the file is empty");
        assert!(refused("event_id,type,occurred_at,user_id\n").contains("content_public_id"));
        assert!(refused("e1,view,2026-01-01,7,41\n").contains("\"e1\""));
        assert!(refused(&HEADER.replace("type", "user_id")).contains("user_id"));
        assert!(events(b"\xff\n").is_err());
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(HEADER.to_owned()),
            "[\\x00-\\x7f]{0,40}",
            "\\PC{0,20}",
            "[,\"\r\n]{0,6}",
            Just("e1,view,2026-01-01T00:00:00Z,7,41\n".to_owned()),
            Just("{\"event_id\":1,\"type\":\"view\",\"occurred_at\":".to_owned()),
            Just("-262143-01-01T00:00:00-23:59".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
        ]
    }

    proptest! {
        #[test]
        fn no_file_panics_and_every_line_is_accounted_for(
            pieces in prop::collection::vec(piece(), 0..12),
            noise in prop::collection::vec(any::<u8>(), 0..40),
            with_header: bool,
        ) {
            let mut file = if with_header { HEADER.as_bytes().to_vec() } else { Vec::new() };
            file.extend(pieces.concat().into_bytes());
            file.extend(noise);
            if let Ok(read) = events(&file) {
                let lines = file.split(|byte| *byte == b'\n').count();
                prop_assert!(read.len() <= lines);
                prop_assert!(read.windows(2).all(|pair| pair[0].0 < pair[1].0));
                for (_, event) in read {
                    if let Ok(event) = event {
                        prop_assert!(!event.event_id.is_empty() && !event.activity_type.is_empty());
                        prop_assert_eq!(event.occurred_at.timestamp_subsec_nanos() % 1_000, 0);
                    }
                }
            }
        }

        #[test]
        fn what_is_written_is_read_back(
            ids in prop::collection::vec("[a-zA-Z0-9:_-]{1,40}", 0..20),
            seconds in 1_i64..=LAST_SECOND,
        ) {
            let time = DateTime::from_timestamp(seconds, 0).expect("a time");
            let mut file = HEADER.to_owned();
            for id in &ids {
                let line = [id, "view", &time.to_rfc3339(), id, "\n"].join(",");
                file.push_str(&line);
            }
            let read = events(file.as_bytes()).expect("a header");
            let read: Vec<_> = read.into_iter().map(|(_, event)| event.expect("an event")).collect();
            prop_assert_eq!(read.len(), ids.len());
            for (event, id) in read.iter().zip(&ids) {
                prop_assert_eq!(&event.event_id, id);
                prop_assert_eq!(event.occurred_at, time);
                prop_assert_eq!(&event.content_public_id, &None);
            }
        }
    }
}
