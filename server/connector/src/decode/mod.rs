//! From the text of a page to canonical records, in one pass.
//!
//! A page is read straight into borrowed fields of any JSON type, so that no value can spoil it. Only if a record is
//! set aside is the text read again for its payload; only if the text is not JSON as it stands are its characters
//! repaired and its records read one by one.

mod content;
mod envelope;
mod fields;
mod payload;
mod repair;
mod replay;
mod scalar;
mod small;
mod time;
mod user;

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{DateTime, Utc};
use domain::{
    ProfileMapping, Stream,
    record::{InvalidReason, InvalidRecord, Record},
};
use serde_json::{Value, error::Category, value::RawValue};
use sync::{PAGE_SIZE, Page, PageRequest, Served};

pub use self::replay::{DECODER_VERSION, Unreplayable, decode_again};
pub(crate) use self::scalar::Scalar;
use self::{
    envelope::{Envelope, Layout},
    fields::{Fields, Items, Maybe},
};

/// Records per page. For users the specification writes no maximum.
const PAGE_RECORDS: usize = PAGE_SIZE as usize;
/// Longest text of a field that is kept, in bytes. The longest real ones are profile texts of a few kilobytes.
pub(crate) const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Longest id, in bytes: ids are keys, and a database's index keys end at 2.7 kB.
const ID_MAX_BYTES: usize = 255;
/// Longest part of a name that a broken record is given, in characters.
const NAME_CHARS: usize = 80;

const USERS: Layout = Layout {
    list: "users",
    numbered: true,
};
const ACTIVITY: Layout = Layout {
    list: "result",
    numbered: true,
};
const COMMUNITY: Layout = Layout {
    list: "result",
    numbered: false,
};

/// The answer is not a page of this listing. The text says what came instead, and quotes nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) String);

/// Reads one page of a listing from the body of an answer. Members' own columns are filled by the mapping.
///
/// Never panics, and never takes a cut or foreign text for a shorter page.
pub fn decode(request: &PageRequest, mapping: &ProfileMapping, body: &[u8]) -> Result<Page, Malformed> {
    let page = match request {
        PageRequest::IdeaStatuses => page(&mut small::IdeaStatuses, COMMUNITY, body),
        PageRequest::Categories => page(&mut small::Categories, COMMUNITY, body),
        PageRequest::Users { .. } => page(&mut user::Users::new(mapping), USERS, body),
        PageRequest::Topics { .. } => page(&mut content::Topics, COMMUNITY, body),
        PageRequest::TopicCounts => Err(Malformed("counts instead of a list".to_owned())),
        PageRequest::Activity { .. } => page(&mut small::Events, ACTIVITY, body),
        PageRequest::Replies { topic, .. } => {
            let mut reader = content::Replies {
                topic_public_id: &topic.public_id,
                subtype: topic.subtype,
            };
            page(&mut reader, COMMUNITY, body)
        }
    }?;
    Ok(Page {
        last: page.records.len() < PAGE_RECORDS,
        ..page
    })
}

/// Reads how many topics each category has; `None` of JSON that does not say it.
///
/// The specification has an object of texts, such as `{"result":{"12":"34"}}`.
pub fn decode_counts(body: &[u8]) -> Result<Option<BTreeMap<String, u64>>, Malformed> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| Malformed(not_json(&error, body.len())))?;
    let count = |count: &Value| count.as_u64().or_else(|| count.as_str()?.parse().ok());
    let counts = answer.get("result").and_then(Value::as_object).map(|counts| {
        let counts = counts.iter();
        counts
            .map(|(category, of)| Some((category.clone(), count(of)?)))
            .collect()
    });
    Ok(counts.flatten())
}

/// What is wrong with one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) reason: InvalidReason,
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Reads the records of one stream.
pub(crate) trait Reader {
    const STREAM: Stream;
    type Raw<'de>: Fields<'de>;

    /// The topic that the records were served for, if that is not said in them.
    fn topic_public_id(&self) -> Option<&str> {
        None
    }

    fn record(&mut self, raw: Self::Raw<'_>) -> Result<Record, Flaw>;
}

fn page<R: Reader>(reader: &mut R, layout: Layout, body: &[u8]) -> Result<Page, Malformed> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => return Err(Malformed("nothing instead of JSON".to_owned())),
        Some(b'<') => return Err(Malformed("HTML instead of JSON".to_owned())),
        Some(_) => {}
    }
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(page) = in_one_pass(reader, layout, text)
    {
        return page;
    }
    one_by_one(reader, layout, &repair::text(body))
}

fn in_one_pass<R: Reader>(
    reader: &mut R,
    layout: Layout,
    text: &str,
) -> Result<Result<Page, Malformed>, serde_json::Error> {
    let mut found = Found::with_capacity(PAGE_RECORDS);
    let envelope = envelope::read(layout, text, |raw: Maybe<R::Raw<'_>>| {
        let record = read_one(reader, raw);
        found.push(reader, record);
    })?;
    if envelope.wrong.is_none() && !found.flawed.is_empty() {
        let mut raws = Vec::with_capacity(found.records.len());
        envelope::read(layout, text, |raw: &RawValue| raws.push(raw))?;
        found.add_payloads(&raws);
    }
    Ok(found.page(envelope))
}

/// Slower, for texts with something that even a lenient pass cannot read, such as the number 1e999.
fn one_by_one<R: Reader>(reader: &mut R, layout: Layout, text: &str) -> Result<Page, Malformed> {
    let mut raws = Vec::with_capacity(PAGE_RECORDS);
    let envelope = envelope::read(layout, text, |raw: &RawValue| raws.push(raw))
        .map_err(|error| Malformed(not_json(&error, text.len())))?;
    let mut found = Found::with_capacity(raws.len());
    for raw in &raws {
        let record = match serde_json::from_str::<Maybe<R::Raw<'_>>>(raw.get()) {
            Ok(fields) => read_one(reader, fields),
            Err(_) => Err(unreadable(R::STREAM, "a value in it cannot be read")),
        };
        found.push(reader, record);
    }
    found.add_payloads(&raws);
    found.page(envelope)
}

/// Says what is wrong with a text without quoting it.
fn not_json(error: &serde_json::Error, length: usize) -> String {
    match error.classify() {
        Category::Eof => format!("JSON that is cut off after {length} bytes"),
        _ => format!(
            "text that is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ),
    }
}

fn read_one<R: Reader>(reader: &mut R, raw: Maybe<R::Raw<'_>>) -> Result<Record, Flaw> {
    match raw.0 {
        Some(raw) => reader.record(raw),
        None => Err(unreadable(R::STREAM, "it is not an object")),
    }
}

fn unreadable(stream: Stream, why: &str) -> Flaw {
    Flaw {
        reason: InvalidReason::UnreadableRecord,
        name: format!("unreadable record in {stream}"),
        message: why.to_owned(),
    }
}

/// The records of a page so far.
struct Found {
    records: Vec<Served>,
    /// The places of those that were set aside.
    flawed: Vec<usize>,
}

impl Found {
    fn with_capacity(records: usize) -> Self {
        Self {
            records: Vec::with_capacity(records),
            flawed: Vec::new(),
        }
    }

    fn push<R: Reader>(&mut self, reader: &R, record: Result<Record, Flaw>) {
        self.records.push(match record {
            Ok(record) => Served::Valid(record),
            Err(flaw) => {
                self.flawed.push(self.records.len());
                Served::Invalid(InvalidRecord {
                    stream: R::STREAM,
                    reason: flaw.reason,
                    name: shortened(&flaw.name),
                    message: flaw.message,
                    payload: String::new(),
                    payload_cut: false,
                    topic_public_id: reader.topic_public_id().map(str::to_owned),
                    repaired_at: None,
                })
            }
        });
    }

    fn add_payloads(&mut self, raws: &[&RawValue]) {
        for place in &self.flawed {
            if let (Some(Served::Invalid(record)), Some(raw)) =
                (self.records.get_mut(*place), raws.get(*place))
            {
                let payload = payload::clean(raw);
                record.payload = payload.text;
                record.payload_cut = payload.cut;
            }
        }
    }

    fn page(self, envelope: Envelope) -> Result<Page, Malformed> {
        match envelope.wrong {
            Some(wrong) => Err(Malformed(wrong)),
            None => Ok(Page {
                records: self.records,
                last: false,
                announced: envelope.announced,
            }),
        }
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The id of a record, or why it has none.
fn id<'n>(field: &str, raw: Scalar<'_>, name: impl FnOnce() -> Cow<'n, str>) -> Result<String, Flaw> {
    // Quoted only for a record that has no id, and before the value is used up.
    let odd = match &raw {
        Scalar::Text(_) | Scalar::Int(_) | Scalar::Big(_) => String::new(),
        other => other.to_string(),
    };
    let (reason, message) = match raw.id() {
        Some(id) if id.len() <= ID_MAX_BYTES => return Ok(id),
        Some(id) => {
            let message = format!("{field} has {} bytes, more than {ID_MAX_BYTES}", id.len());
            (InvalidReason::TooLarge, message)
        }
        None if odd.is_empty() => (InvalidReason::MissingId, format!("{field} is empty")),
        None => (InvalidReason::MissingId, format!("{field} is {odd}")),
    };
    Err(Flaw {
        reason,
        name: name().into_owned(),
        message,
    })
}

/// The creation time of a record, without which it belongs nowhere.
fn time(field: &str, raw: &Scalar<'_>, name: impl Fn() -> String) -> Result<DateTime<Utc>, Flaw> {
    raw.time().ok_or_else(|| Flaw {
        reason: InvalidReason::UnreadableTime,
        name: name(),
        message: match raw {
            Scalar::Missing => format!("{field} is missing"),
            other => format!("{field} {other} is not a time"),
        },
    })
}

/// Reads the fields of one record and remembers the first that cannot be kept.
///
/// Where a canonical field can say "unknown" it does. Where it cannot, a value of an impossible kind makes the
/// record unreadable: a zero would be a guess.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    flaw: Option<(InvalidReason, String)>,
}

impl Texts {
    fn flawed(&mut self, reason: InvalidReason, message: impl FnOnce() -> String) {
        if self.flaw.is_none() {
            self.flaw = Some((reason, message()));
        }
    }

    fn check(&mut self, field: &str, text: &str) {
        if text.len() > TEXT_MAX_BYTES {
            self.flawed(InvalidReason::TooLarge, || {
                format!(
                    "{} has {} bytes, more than {TEXT_MAX_BYTES}",
                    shortened(field),
                    text.len()
                )
            });
        }
    }

    fn check_all(&mut self, field: &str, texts: &[String]) {
        for text in texts {
            self.check(field, text);
        }
    }

    fn list(&mut self, field: &str, too_many: bool) {
        if too_many {
            self.flawed(InvalidReason::TooLarge, || {
                format!("{field} has too many entries")
            });
        }
    }

    /// A text that may be missing, which is then unknown.
    fn optional(&mut self, field: &str, raw: Scalar<'_>) -> Option<String> {
        let text = raw.filled()?;
        self.check(field, &text);
        Some(text)
    }

    /// A reference to another record.
    fn optional_id(&mut self, field: &str, raw: Scalar<'_>) -> Option<String> {
        let id = raw.id()?;
        if id.len() > ID_MAX_BYTES {
            self.flawed(InvalidReason::TooLarge, || {
                format!("{field} has {} bytes, more than {ID_MAX_BYTES}", id.len())
            });
        }
        Some(id)
    }

    /// A text that is empty where it is missing.
    fn required(&mut self, field: &str, raw: Scalar<'_>) -> String {
        if matches!(raw, Scalar::List | Scalar::Object) {
            self.flawed(InvalidReason::UnreadableRecord, || {
                format!("{field} is {raw}, not a text")
            });
        }
        self.optional(field, raw).unwrap_or_default()
    }

    /// A text without which the record means nothing.
    fn named(&mut self, field: &str, raw: Scalar<'_>) -> String {
        let shown = if raw.is_absent() {
            raw.to_string()
        } else {
            "not a text".to_owned()
        };
        self.optional(field, raw).unwrap_or_else(|| {
            self.flawed(InvalidReason::UnreadableRecord, || format!("{field} is {shown}"));
            String::new()
        })
    }

    fn names(&mut self, field: &str, raw: Items<Scalar<'_>>) -> Vec<String> {
        self.list(field, raw.too_many);
        let names: Vec<String> = raw.items.into_iter().filter_map(Scalar::filled).collect();
        self.check_all(field, &names);
        names
    }

    fn count(&mut self, field: &str, raw: &Scalar<'_>) -> i64 {
        raw.count().unwrap_or_else(|_| {
            self.flawed(InvalidReason::UnreadableRecord, || {
                format!("{field} {raw} is not a count")
            });
            0
        })
    }

    fn flag(&mut self, field: &str, raw: &Scalar<'_>) -> bool {
        raw.flag().unwrap_or_else(|_| {
            self.flawed(InvalidReason::UnreadableRecord, || {
                format!("{field} {raw} is not true or false")
            });
            false
        })
    }

    fn verdict(self, name: impl Fn() -> String) -> Result<(), Flaw> {
        match self.flaw {
            None => Ok(()),
            Some((reason, message)) => Err(Flaw {
                reason,
                name: name(),
                message,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
