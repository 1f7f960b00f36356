//! Lines of a file, each within a bound.

use std::io::{self, BufRead};

/// Far more than the few short fields of an event; a file without line breaks must not fill the memory.
pub(crate) const LINE_MAX_BYTES: usize = 64 * 1024;

const BYTE_ORDER_MARK: char = '\u{feff}';

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
    #[error("not UTF-8")]
    NotUtf8,
}

/// A line with its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Result<String, LineError>,
}

/// The lines of a reader that are not blank, without their ends and without a byte order mark.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        while let Some(bytes) = self.read()? {
            self.number += 1;
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|_| LineError::NotUtf8));
            let text = match text {
                Ok(text) if self.number == 1 => Ok(text.trim_start_matches(BYTE_ORDER_MARK).to_owned()),
                text => text,
            };
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            return Ok(Some(Line {
                number: self.number,
                text,
            }));
        }
        Ok(None)
    }

    /// The bytes up to the next line feed; those over the bound are read and forgotten.
    fn read(&mut self) -> io::Result<Option<Result<Vec<u8>, LineError>>> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() && length == 0 {
                return Ok(None);
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = LINE_MAX_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let over = bytes.is_empty() || end.is_some();
            let read = part.len() + usize::from(end.is_some());
            length += read;
            let too_long = length - usize::from(end.is_some()) > LINE_MAX_BYTES;
            self.reader.consume(read);
            if over {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(if too_long {
                    Err(LineError::TooLong)
                } else {
                    Ok(line)
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, Result<String, LineError>)> {
        // A small buffer, so that lines reach over its end.
        let mut lines = Lines::new(BufReader::with_capacity(7, bytes));
        let mut read = Vec::new();
        while let Some(line) = lines.next().expect("bytes in memory") {
            read.push((line.number, line.text));
        }
        read
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_left_out() {
        let text = |number, text: &str| (number, Ok(text.to_owned()));
        assert_eq!(
            lines("\u{feff}first line\r\n\n  \nfourth\nlast".as_bytes()),
            [text(1, "first line"), text(4, "fourth"), text(5, "last")]
        );
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n"), []);
    }

    #[test]
    fn a_line_that_cannot_be_read_leaves_the_others() {
        let mut bytes = vec![b'x'; LINE_MAX_BYTES];
        bytes.extend(b"\n");
        bytes.extend(vec![b'y'; LINE_MAX_BYTES + 1]);
        bytes.extend(b"\n\xff\xfe\nlast\n");
        let read = lines(&bytes);
        assert_eq!(read[0], (1, Ok("x".repeat(LINE_MAX_BYTES))));
        assert_eq!(
            read[1..],
            [
                (2, Err(LineError::TooLong)),
                (3, Err(LineError::NotUtf8)),
                (4, Ok("last".to_owned()))
            ]
        );
    }
}
