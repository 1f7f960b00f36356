//! Texts that are JSON but for a character that cannot be kept: what is wrong becomes U+FFFD.
//!
//! Runs only after a body could not be read as it came.

const REPLACEMENT: &str = "\\ufffd";
/// Length of an escape such as `\ud83d`.
const ESCAPE: usize = 6;

/// Replaces bytes that are not UTF-8, lone surrogate escapes and raw control characters inside strings.
pub(crate) fn text(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(body.len());
    let mut rest = body.as_ref();
    let mut in_string = false;
    while let Some(at) = rest
        .bytes()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = match rest.as_bytes()[0] {
            b'"' => {
                in_string = !in_string;
                out.push('"');
                1
            }
            b'\\' if in_string => escape(rest, &mut out),
            control if in_string && control < 0x20 => {
                raw_control(control, &mut out);
                1
            }
            byte => {
                out.push(char::from(byte));
                1
            }
        };
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

/// Copies or replaces the escape at the beginning and says how much of the text it took.
fn escape(rest: &str, out: &mut String) -> usize {
    let Some(unit) = code_unit(rest) else {
        // Not `\uXXXX`: copied with the character after the backslash, so that `\"` ends no string.
        let used = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        out.push_str(&rest[..used]);
        return used;
    };
    let pair = matches!(unit, 0xd800..=0xdbff)
        && rest
            .get(ESCAPE..)
            .and_then(code_unit)
            .is_some_and(|low| matches!(low, 0xdc00..=0xdfff));
    if pair {
        out.push_str(&rest[..2 * ESCAPE]);
        return 2 * ESCAPE;
    }
    let lone = matches!(unit, 0xd800..=0xdfff);
    out.push_str(if lone { REPLACEMENT } else { &rest[..ESCAPE] });
    ESCAPE
}

fn code_unit(rest: &str) -> Option<u16> {
    let digits = rest.get(..ESCAPE)?.strip_prefix("\\u")?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

fn raw_control(control: u8, out: &mut String) {
    if control == 0 {
        out.push_str(REPLACEMENT);
    } else {
        out.push_str("\\u00");
        out.push(if control < 0x10 { '0' } else { '1' });
        out.push(char::from_digit(u32::from(control & 0xf), 16).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &[u8]) -> String {
        serde_json::from_str(&text(body)).unwrap()
    }

    #[test]
    fn lone_surrogates_become_the_replacement_character() {
        assert_eq!(read(br#""a\ud83dz""#), "a\u{fffd}z");
        assert_eq!(read(br#""a\ude00z""#), "a\u{fffd}z");
        assert_eq!(read(br#""\ud83d\ud83d\ude00""#), "\u{fffd}\u{1f600}");
        assert_eq!(read(br#""\ud83d""#), "\u{fffd}");
        assert_eq!(read(br#""\ud83d\n""#), "\u{fffd}\n");
    }

    #[test]
    fn escapes_that_can_be_kept_are() {
        assert_eq!(
            read(br#""\ud83d\ude00 \" \\ud83d \u00e4""#),
            "\u{1f600} \" \\ud83d ä"
        );
    }

    #[test]
    fn raw_control_characters_and_bytes_that_are_not_utf_8_are_survived() {
        assert_eq!(read(b"\"a\0b\nc\x1fd\""), "a\u{fffd}b\nc\u{1f}d");
        assert_eq!(read(b"\"a\xffb\""), "a\u{fffd}b");
        assert_eq!(text(b"{\n\"a\" :\t1}"), "{\n\"a\" :\t1}");
    }

    proptest! {
        #[test]
        fn sound_json_stays_as_it_is(value in proptest::collection::vec((".{0,20}", proptest::num::i64::ANY), 0..8)) {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(text(json.as_bytes()), json);
        }

        #[test]
        fn any_bytes_are_survived(body: Vec<u8>) {
            let _ = text(&body);
        }

        #[test]
        fn any_code_units_can_be_read(units: Vec<u16>) {
            let escapes: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let back = read(format!("\"{}\"", escapes.concat()).as_bytes());
            prop_assert_eq!(back, String::from_utf16_lossy(&units));
        }
    }
}
