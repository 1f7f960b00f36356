//! Any bytes as a file of activity. The importer belongs to the binary, so it is taken in by its path.
#![no_main]

#[path = "../../src/import/mod.rs"]
#[expect(
    unused_imports,
    dead_code,
    reason = "the target calls a part of what the module gives its crate"
)]
mod import;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(mut read) = import::ActivityFile::open(file) else {
        return;
    };
    let lines = file.split(|byte| *byte == b'\n').count() as u64;
    let mut last = 0;
    while let Some((number, event)) = read.next().expect("bytes in memory") {
        assert!(last < number && number <= lines, "lines are numbered in order");
        last = number;
        match event {
            Ok(event) => assert!(!event.event_id.is_empty()),
            Err(why) => assert!(!why.is_empty()),
        }
    }
});
