//! What a page's records are wrapped in.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    fields::{Key, Maybe, fields, single_values_are, skip_list, skip_object},
    scalar::Scalar,
};

/// Most records on one page: ten times what is asked for, in case a provider ignores the page size.
const RECORDS_MAX: usize = 1_000;

/// How a listing wraps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The key of the list.
    pub(crate) list: &'static str,
    /// The records may also be members with numbered keys, or the whole answer a list: both are how PHP writes a
    /// list whose keys are numbers.
    pub(crate) numbered: bool,
}

/// What an answer says besides its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// How many records the whole listing has.
    pub(crate) announced: Option<u64>,
    /// What keeps the answer from being a page.
    pub(crate) wrong: Option<String>,
    listed: bool,
    count: usize,
}

fields!(Statistics { count: Scalar<'de> = "count" });

/// Reads an answer and hands on each record as it comes. Fails only on text that is not JSON.
pub(crate) fn read<'de, E, F>(layout: Layout, text: &'de str, push: F) -> Result<Envelope, serde_json::Error>
where
    E: Deserialize<'de>,
    F: FnMut(E),
{
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut top = Top {
        layout,
        envelope: Envelope::default(),
        push,
        element: PhantomData,
    };
    reader.deserialize_any(&mut top)?;
    reader.end()?;
    let mut envelope = top.envelope;
    if !envelope.listed && envelope.wrong.is_none() {
        envelope.wrong = Some(format!("an object without \"{}\"", layout.list));
    }
    Ok(envelope)
}

struct Top<E, F> {
    layout: Layout,
    envelope: Envelope,
    push: F,
    element: PhantomData<E>,
}

impl<'de, E: Deserialize<'de>, F: FnMut(E)> Top<E, F> {
    fn wrong(&mut self, what: impl Into<String>) {
        self.envelope.wrong.get_or_insert(what.into());
    }

    /// Whether there is room for one record more.
    fn has_room(&mut self) -> bool {
        self.envelope.count += 1;
        if self.envelope.count > RECORDS_MAX {
            self.wrong(format!("more than {RECORDS_MAX} records on one page"));
        }
        self.envelope.wrong.is_none()
    }

    fn elements<A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            if !self.has_room() {
                return skip_list(list);
            }
            (self.push)(element);
        }
        Ok(())
    }

    fn numbered<A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        if self.has_room() {
            (self.push)(object.next_value()?);
        } else {
            object.next_value::<IgnoredAny>()?;
        }
        self.envelope.listed = true;
        Ok(())
    }

    fn statistics(&mut self, statistics: Maybe<Statistics<'de>>) {
        let count = statistics.0.and_then(|statistics| match statistics.count {
            Scalar::Missing | Scalar::Null => None,
            count => count.count().ok(),
        });
        self.envelope.announced = count.and_then(|count| u64::try_from(count).ok());
        // A page beyond the end has no numbered member left.
        self.envelope.listed |= self.layout.numbered && self.envelope.announced.is_some();
    }
}

fn is_number(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'de, E: Deserialize<'de>, F: FnMut(E)> Visitor<'de> for &mut Top<E, F> {
    type Value = ();

    single_values_are!(|top: Self, what: &str| top.wrong(format!("{what} instead of an object")));

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        if self.layout.numbered {
            self.envelope.listed = true;
            self.elements(list)
        } else {
            self.wrong("a list instead of an object");
            skip_list(list)
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(key) = object.next_key::<Key<'de>>()? {
            match key.0.as_ref() {
                key if key == self.layout.list => {
                    if std::mem::replace(&mut seen, true) {
                        self.wrong(format!("\"{key}\" twice"));
                    }
                    self.envelope.listed = true;
                    object.next_value_seed(List(&mut *self))?;
                }
                "statistics" => {
                    let statistics = object.next_value()?;
                    self.statistics(statistics);
                }
                key if self.layout.numbered && is_number(key) => self.numbered(&mut object)?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The value of the list's key.
struct List<'t, E, F>(&'t mut Top<E, F>);

impl<'de, E: Deserialize<'de>, F: FnMut(E)> DeserializeSeed<'de> for List<'_, E, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, E: Deserialize<'de>, F: FnMut(E)> Visitor<'de> for List<'_, E, F> {
    type Value = ();

    single_values_are!(|list: Self, what: &str| {
        let key = list.0.layout.list;
        list.0.wrong(format!("{what} in \"{key}\" instead of a list"));
    });

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.elements(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let key = self.0.layout.list;
        if !self.0.layout.numbered {
            self.0.wrong(format!("an object in \"{key}\" instead of a list"));
            return skip_object(object);
        }
        while let Some(number) = object.next_key::<Key<'de>>()? {
            if is_number(&number.0) {
                self.0.numbered(&mut object)?;
            } else {
                self.0.wrong(format!("an object in \"{key}\" instead of a list"));
                object.next_value::<IgnoredAny>()?;
            }
        }
        if self.0.envelope.count == 0 {
            self.0
                .wrong(format!("an empty object in \"{key}\" instead of a list"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    const USERS: Layout = Layout {
        list: "users",
        numbered: true,
    };
    const TOPICS: Layout = Layout {
        list: "result",
        numbered: false,
    };

    fn read_as(layout: Layout, text: &str) -> (Vec<String>, Envelope) {
        let mut records = Vec::new();
        let push = |raw: &RawValue| records.push(raw.get().to_owned());
        let envelope = read::<&RawValue, _>(layout, text, push).unwrap();
        (records, envelope)
    }

    #[test]
    fn users_come_in_five_shapes() {
        for text in [
            r#"{"users":[1,2],"statistics":{"count":9}}"#,
            r#"{"statistics":{"count":"9"},"0":1,"1":2}"#,
            r#"{"0":1,"1":2,"statistics":{"count":9,"x":[]},"more":{}}"#,
            r#"{"users":{"0":1,"5":2},"statistics":{"count":9}}"#,
        ] {
            let (records, envelope) = read_as(USERS, text);
            assert_eq!(records, ["1", "2"], "{text}");
            assert_eq!((envelope.announced, envelope.wrong), (Some(9), None), "{text}");
        }
        let (records, envelope) = read_as(USERS, "[1,2]");
        assert_eq!((records.len(), envelope.wrong), (2, None));
    }

    #[test]
    fn an_end_is_stated_and_never_concluded() {
        for text in [r#"{"users":[]}"#, r#"{"statistics":{"count":9}}"#, "[]"] {
            assert_eq!(read_as(USERS, text).1.wrong, None, "{text}");
        }
        assert_eq!(read_as(TOPICS, r#"{"result":[]}"#).1.wrong, None);
        for text in [
            "{}",
            "null",
            "5",
            r#""users""#,
            r#"{"users":null}"#,
            r#"{"users":{}}"#,
            r#"{"users":{"error":"x"}}"#,
            r#"{"users":"none"}"#,
            r#"{"result":[]}"#,
            r#"{"statistics":{}}"#,
            r#"{"statistics":null}"#,
            r#"{"message":"no","code":3}"#,
            r#"{"users":[],"users":[]}"#,
        ] {
            assert!(read_as(USERS, text).1.wrong.is_some(), "{text}");
        }
        for text in [
            "[]",
            r#"{"result":null}"#,
            r#"{"result":{}}"#,
            r#"{"0":{}}"#,
            r#"{"result":{"0":{}}}"#,
            r#"{"users":[]}"#,
        ] {
            assert!(read_as(TOPICS, text).1.wrong.is_some(), "{text}");
        }
    }

    #[test]
    fn a_page_of_too_many_records_is_no_page() {
        let many = format!("{{\"result\":[{}0]}}", "0,".repeat(RECORDS_MAX));
        let (records, envelope) = read_as(TOPICS, &many);
        assert_eq!(records.len(), RECORDS_MAX);
        assert!(envelope.wrong.is_some_and(|wrong| wrong.contains("1000")));
    }
}
