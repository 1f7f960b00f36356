//! JSON written straight into one buffer.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Longest decimal form of a `u64`.
const MAX_DIGITS: usize = 20;

/// A growing JSON text. The caller keeps the grammar; the buffer takes care of commas and escapes.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
}

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// Text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.text.push_str(json);
        self
    }

    /// Comma unless at the beginning of an object or array, then the key.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.next();
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
        self
    }

    /// Comma unless at the beginning of an object or array.
    pub(crate) fn next(&mut self) -> &mut Self {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
        self
    }

    pub(crate) fn number(&mut self, value: u64) -> &mut Self {
        push_number(&mut self.text, value);
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// A number between quotes, as the community paths write ids.
    pub(crate) fn quoted_number(&mut self, value: u64) -> &mut Self {
        self.text.push('"');
        push_number(&mut self.text, value);
        self.text.push('"');
        self
    }

    pub(crate) fn string(&mut self, value: &str) -> &mut Self {
        self.text.push('"');
        self.escaped(value);
        self.text.push('"');
        self
    }

    /// A string whose parts a closure writes; what it writes must need no escape.
    pub(crate) fn plain_string(&mut self, write: impl FnOnce(&mut String)) -> &mut Self {
        self.text.push('"');
        write(&mut self.text);
        self.text.push('"');
        self
    }

    /// Part of a string.
    pub(crate) fn escaped(&mut self, value: &str) -> &mut Self {
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let mut rest = value;
        while let Some(at) = rest.as_bytes().iter().position(special) {
            self.text.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                byte @ (b'"' | b'\\') => {
                    self.text.push('\\');
                    self.text.push(char::from(byte));
                }
                b'\n' => self.text.push_str("\\n"),
                byte => {
                    self.text.push_str("\\u00");
                    self.text.push(char::from(b'0' + (byte >> 4)));
                    self.text
                        .push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
                }
            }
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self
    }

    /// `"2025-02-03T04:05:06+00:00"`
    pub(crate) fn iso_time(&mut self, unix: u64) -> &mut Self {
        self.plain_string(|text| push_iso_time(text, unix))
    }
}

pub(crate) fn push_number(text: &mut String, value: u64) {
    let mut digits = [b'0'; MAX_DIGITS];
    let mut rest = value;
    let mut start = MAX_DIGITS;
    loop {
        start -= 1;
        digits[start] = b"0123456789"[crate::mix::index(rest % 10)];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[start..]).unwrap_or("0"));
}

pub(crate) fn push_iso_time(text: &mut String, unix: u64) {
    let seconds = i64::try_from(unix).unwrap_or(0);
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    push_number(text, u64::from(time.year().unsigned_abs()));
    let parts = [
        ('-', time.month()),
        ('-', time.day()),
        ('T', time.hour()),
        (':', time.minute()),
        (':', time.second()),
    ];
    for (separator, part) in parts {
        text.push(separator);
        text.push(if part < 10 {
            '0'
        } else {
            char::from_digit(part / 10, 10).unwrap_or('0')
        });
        text.push(char::from_digit(part % 10, 10).unwrap_or('0'));
    }
    text.push_str("+00:00");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_and_numbers_read_back(value: String, number: u64) {
            let mut json = Json::default();
            json.raw("[").string(&value).next().number(number).next().quoted_number(number).raw("]");
            let bytes = json.into_bytes();
            let back: (String, u64, String) = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(back, (value, number, number.to_string()));
        }

        #[test]
        fn times_read_back(unix in 0_u64..4_000_000_000) {
            let mut text = String::new();
            push_iso_time(&mut text, unix);
            let back = DateTime::parse_from_rfc3339(&text).unwrap();
            prop_assert_eq!(back.timestamp(), i64::try_from(unix).unwrap());
            prop_assert_eq!(text.len(), 25);
        }
    }
}
