//! Times as the provider writes them: unix seconds, or ISO 8601 with an offset, `Z` or none (then UTC).

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// The last second of the year 9999. Greater numbers are milliseconds or nonsense, and no database keeps them.
const LAST_SECOND: i64 = 253_402_300_799;
const LAST_SECOND_FRACTION: f64 = 253_402_300_799.0;
const MICROS_PER_SECOND: f64 = 1_000_000.0;
/// Both databases keep microseconds; further digits are cut off.
const FRACTION_DIGITS: usize = 6;

/// Zero is how the provider writes "never", so it is no time.
pub(crate) fn from_unix(seconds: i64) -> Option<DateTime<Utc>> {
    (1..=LAST_SECOND)
        .contains(&seconds)
        .then(|| DateTime::from_timestamp(seconds, 0))
        .flatten()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only the fraction of a microsecond is cut off"
)]
pub(crate) fn from_unix_fraction(seconds: f64) -> Option<DateTime<Utc>> {
    if !(1.0..=LAST_SECOND_FRACTION).contains(&seconds) {
        return None;
    }
    DateTime::from_timestamp_micros((seconds * MICROS_PER_SECOND) as i64)
}

pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return from_unix(text.parse().ok()?);
    }
    let mut rest = Digits(text.as_bytes());
    let year = rest.number(4)?;
    let month = rest.after(b"-")?.number(2)?;
    let day = rest.after(b"-")?.number(2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    if rest.0.is_empty() {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc());
    }
    let hour = rest.after(b"T t")?.number(2)?;
    let minute = rest.after(b":")?.number(2)?;
    let second = if rest.0.first() == Some(&b':') {
        rest.after(b":")?.number(2)?
    } else {
        0
    };
    let micros = rest.fraction()?;
    let local = date.and_hms_micro_opt(hour, minute, second, micros)?.and_utc();
    local.checked_sub_signed(rest.offset()?)
}

/// What is left of the text.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        head.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + u32::from(byte - b'0'))
        })
    }

    /// Skips one byte that must be among these.
    fn after(&mut self, one_of: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        one_of.contains(first).then_some(self)
    }

    fn fraction(&mut self) -> Option<u32> {
        if !matches!(self.0.first(), Some(b'.' | b',')) {
            return Some(0);
        }
        let digits = self.0[1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (kept, rest) = self.0[1..].split_at(digits);
        self.0 = rest;
        let digit = |place: usize| kept.get(place).map_or(0, |byte| u32::from(byte - b'0'));
        (digits > 0).then(|| (0..FRACTION_DIGITS).fold(0, |micros, place| micros * 10 + digit(place)))
    }

    /// `Z`, `+01:00`, `+0100`, `+01` or nothing, to the end of the text.
    fn offset(mut self) -> Option<TimeDelta> {
        let sign = match self.0 {
            [] | [b'Z' | b'z'] => return Some(TimeDelta::zero()),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.number(2)?;
        if self.0.first() == Some(&b':') {
            self.0 = &self.0[1..];
        }
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        let sound = self.0.is_empty() && hours < 24 && minutes < 60;
        sound.then(|| TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(text: &str) -> Option<i64> {
        parse(text).map(|time| time.timestamp_micros())
    }

    #[test]
    fn every_form_of_one_instant_is_the_same_instant() {
        let instant = 1_738_555_506_000_000;
        for text in [
            "1738555506",
            " 1738555506 ",
            "2025-02-03T04:05:06+00:00",
            "2025-02-03T04:05:06Z",
            "2025-02-03T04:05:06z",
            "2025-02-03T04:05:06",
            "2025-02-03 04:05:06",
            "2025-02-03t04:05:06.000000Z",
            "2025-02-03T05:05:06+01:00",
            "2025-02-03T05:05:06+0100",
            "2025-02-03T05:05:06+01",
            "2025-02-02T22:35:06-05:30",
        ] {
            assert_eq!(micros(text), Some(instant), "{text}");
        }
        assert_eq!(
            from_unix(1_738_555_506).map(|time| time.timestamp_micros()),
            Some(instant)
        );
        assert_eq!(micros("2025-02-03T04:05:06.1234567Z"), Some(instant + 123_456));
        assert_eq!(micros("2025-02-03T04:05:06,5"), Some(instant + 500_000));
        assert_eq!(
            from_unix_fraction(1_738_555_506.5).map(|time| time.timestamp_micros()),
            Some(instant + 500_000)
        );
        assert_eq!(micros("2025-02-03T04:05"), Some(instant - 6_000_000));
        assert_eq!(parse("2025-02-03"), parse("2025-02-03T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
        for text in [
            "",
            "0",
            "never",
            "0000-00-00",
            "0000-00-00 00:00:00",
            "-0001-11-30T00:00:00+00:00",
            "2025-13-01T00:00:00Z",
            "2025-02-30",
            "2025-02-03T24:00:00Z",
            "2025-02-03T04:05:06+25:00",
            "2025-02-03T04:05:06+01:00:00",
            "2025-02-03T04:05:06.",
            "2025-02-03T04:05:06 UTC",
            "2025-02-03X04:05:06",
            "03/02/2025",
            "1738555506000",
            "-5",
            "٢٠٢٥-٠٢-٠٣",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_unix(0), None);
        assert_eq!(from_unix(-1), None);
        assert_eq!(from_unix(i64::MAX), None);
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 0.5, 1e300] {
            assert_eq!(from_unix_fraction(seconds), None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_chrono_writes_is_read_back(seconds in 1..=LAST_SECOND, hours in -23_i32..24) {
            let time = from_unix(seconds).unwrap();
            let offset = chrono::FixedOffset::east_opt(hours * 3600).unwrap();
            let local = time.with_timezone(&offset);
            // Years before 1 and after 9999 have another form.
            if chrono::Datelike::year(&local) <= 9999 {
                prop_assert_eq!(parse(&local.to_rfc3339()), Some(time));
            }
        }
    }
}
