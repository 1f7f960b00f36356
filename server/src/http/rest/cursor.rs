//! The place in a list where a page ended, as programs carry it about: hexadecimal digits, with a mark in front.
//!
//! The mark ties a cursor to what was asked: one that is cut, or of another list, is refused as such. It is no secret, and who
//! forges one only reads from another place of the same list.

use std::fmt::Write as _;

use store::ExportCursor;

/// Hexadecimal digits of the mark that tells a cursor of ours from other text.
const MARK_DIGITS: usize = 16;

/// `list` says what was asked.
pub(super) fn write(list: &str, cursor: &ExportCursor) -> String {
    let mut text = mark(list, &cursor.0);
    for byte in cursor.0.bytes() {
        // Writing into a text has nothing to fail on.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `None` of a text that this list has not given.
pub(super) fn read(list: &str, text: &str) -> Option<ExportCursor> {
    let (mark_of_text, digits) = text.split_at_checked(MARK_DIGITS)?;
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(from_hex).collect();
    let cursor = String::from_utf8(bytes?).ok()?;
    (mark(list, &cursor) == mark_of_text).then_some(ExportCursor(cursor))
}

fn mark(list: &str, cursor: &str) -> String {
    let hash = blake3::hash(format!("{list} {cursor}").as_bytes());
    hash.to_hex()[..MARK_DIGITS].to_owned()
}

fn from_hex(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else {
        return None;
    };
    let digit = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}
