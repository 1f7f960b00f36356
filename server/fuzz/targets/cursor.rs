//! Any text as the place where an export or a list of REST goes on. What is accepted is written again as it was.
#![no_main]

use domain::Object;
use libfuzzer_sys::fuzz_target;
use store::{ExportCursor, ExportPlace};

/// The part of REST that reads and writes cursors, in a module as deep as its own.
mod rest {
    #[path = "../../../src/http/rest/cursor.rs"]
    mod cursor;

    pub(crate) fn there_and_back(list: &str, cursor: &store::ExportCursor) {
        let text = cursor::write(list, cursor);
        assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(cursor::read(list, &text).as_ref(), Some(cursor));
        assert_eq!(cursor::read(&format!("{list} of another"), &text), None);
    }

    pub(crate) fn read(list: &str, text: &str) -> Option<store::ExportCursor> {
        cursor::read(list, text)
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (object, text) = input;
    let object = Object::ALL[usize::from(object) % Object::ALL.len()];
    let list = object.to_string();
    let given = ExportCursor(text.to_owned());
    rest::there_and_back(&list, &given);
    for cursor in rest::read(&list, text).iter().chain([&given]) {
        if let Ok(place) = ExportPlace::read(object, cursor) {
            let written = place.write().expect("a place is text and numbers");
            assert_eq!(ExportPlace::read(object, &written).expect("what was written"), place);
        }
    }
});
