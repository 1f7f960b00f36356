//! Single values, whatever JSON type they came in.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::time;

/// Longest value that a message quotes, in characters: enough to recognise it.
const QUOTED_CHARS: usize = 60;
/// Integers up to here survive in a float.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A value of any JSON type. Lists and objects are skipped, however deep they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Scalar<'de> {
    #[default]
    Missing,
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Big(u64),
    Float(f64),
    Text(Cow<'de, str>),
    List,
    Object,
}

/// The value is of a kind that the field cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl<'de> Scalar<'de> {
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    /// The value if there is one, else the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.is_absent() { other } else { self }
    }

    /// An id: a number or a text that is not blank.
    pub(crate) fn id(self) -> Option<String> {
        match self {
            Self::Int(number) => Some(number.to_string()),
            Self::Big(number) => Some(number.to_string()),
            Self::Float(_) => self.integer().map(|number| number.to_string()),
            Self::Text(text) if !text.trim().is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }

    /// A text, or a number or boolean as text. Nothing else has one.
    pub(crate) fn text(self) -> Option<Cow<'de, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(number) => Some(number.to_string().into()),
            Self::Big(number) => Some(number.to_string().into()),
            Self::Float(number) => Some(number.to_string().into()),
            Self::Bool(truth) => Some(truth.to_string().into()),
            Self::Missing | Self::Null | Self::List | Self::Object => None,
        }
    }

    /// A text that says something.
    pub(crate) fn filled(self) -> Option<String> {
        self.text().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// A count: absent and the empty text are none.
    pub(crate) fn count(&self) -> Result<i64, Unreadable> {
        match self {
            Self::Missing | Self::Null => Ok(0),
            Self::Text(text) if text.is_empty() => Ok(0),
            Self::Text(text) => text.trim().parse().map_err(|_| Unreadable),
            _ => self.integer().ok_or(Unreadable),
        }
    }

    /// A truth: booleans, 0 and 1, both also as text. Absent and the empty text are false.
    pub(crate) fn flag(&self) -> Result<bool, Unreadable> {
        match self {
            Self::Missing | Self::Null | Self::Int(0) => Ok(false),
            Self::Bool(truth) => Ok(*truth),
            Self::Int(1) => Ok(true),
            Self::Text(text) => match text.trim() {
                "" | "0" => Ok(false),
                "1" => Ok(true),
                word if word.eq_ignore_ascii_case("false") => Ok(false),
                word if word.eq_ignore_ascii_case("true") => Ok(true),
                _ => Err(Unreadable),
            },
            _ => Err(Unreadable),
        }
    }

    pub(crate) fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Int(seconds) => time::from_unix(*seconds),
            Self::Float(seconds) => time::from_unix_fraction(*seconds),
            Self::Text(text) => time::parse(text),
            _ => None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the guard keeps the float exact and in range"
    )]
    fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < EXACT_FLOAT => {
                Some(*number as i64)
            }
            _ => None,
        }
    }
}

/// As a message quotes it.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Big(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
            Self::Text(text) => match text.char_indices().nth(QUOTED_CHARS) {
                Some((end, _)) => write!(f, "\"{}…\"", &text[..end]),
                None => write!(f, "\"{text}\""),
            },
        }
    }
}

/// Databases keep no NUL. Only a text with escapes can hold one: JSON forbids it raw.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Scalar::Big(number), Scalar::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(without_nul(text))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Scalar<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn ids_are_numbers_or_texts() {
        let id = |json| read(json).id();
        assert_eq!(id("7").as_deref(), Some("7"));
        assert_eq!(id("\"7\"").as_deref(), Some("7"));
        assert_eq!(id("7.0").as_deref(), Some("7"));
        assert_eq!(
            id("18446744073709551615").as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(id("\"a-b\"").as_deref(), Some("a-b"));
        for json in ["null", "true", "\"\"", "\"  \"", "7.5", "[7]", "{\"id\":7}"] {
            assert_eq!(id(json), None, "{json}");
        }
    }

    #[test]
    fn truths_are_booleans_and_zero_and_one() {
        for json in ["true", "1", "\"1\"", "\"true\"", "\"TRUE\""] {
            assert_eq!(read(json).flag(), Ok(true), "{json}");
        }
        for json in ["false", "0", "\"0\"", "\"false\"", "\"\"", "null"] {
            assert_eq!(read(json).flag(), Ok(false), "{json}");
        }
        for json in ["2", "-1", "\"yes\"", "[]", "{}", "1.5"] {
            assert_eq!(read(json).flag(), Err(Unreadable), "{json}");
        }
        assert_eq!(Scalar::Missing.flag(), Ok(false));
    }

    #[test]
    fn counts_are_numbers_also_as_text() {
        for (json, count) in [
            ("5", 5),
            ("\"5\"", 5),
            ("\" 5 \"", 5),
            ("5.0", 5),
            ("-2", -2),
            ("null", 0),
            ("\"\"", 0),
        ] {
            assert_eq!(read(json).count(), Ok(count), "{json}");
        }
        for json in [
            "true",
            "\"many\"",
            "5.5",
            "1e300",
            "[]",
            "{}",
            "18446744073709551615",
        ] {
            assert_eq!(read(json).count(), Err(Unreadable), "{json}");
        }
    }

    #[test]
    fn texts_lose_nul_and_nothing_else() {
        assert_eq!(read(r#""a\u0000b""#).text().as_deref(), Some("a\u{fffd}b"));
        assert_eq!(
            read(r#""  A <b>\n\u202e  ""#).text().as_deref(),
            Some("  A <b>\n\u{202e}  ")
        );
        assert_eq!(read("12").filled().as_deref(), Some("12"));
        assert_eq!(read("\"\"").filled(), None);
        assert_eq!(read("{}").text(), None);
    }

    #[test]
    fn lists_and_objects_of_any_depth_are_skipped() {
        let deep = format!("[{}{}]", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(read(&deep), Scalar::List);
    }

    #[test]
    fn messages_quote_a_long_text_in_part() {
        assert_eq!(read("\"0000-00-00\"").to_string(), "\"0000-00-00\"");
        let long = Scalar::Text("ä".repeat(500).into()).to_string();
        assert_eq!(long.chars().count(), QUOTED_CHARS + 3);
    }
}
