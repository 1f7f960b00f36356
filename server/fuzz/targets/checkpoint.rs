//! Any text as the place that a run goes on from, and any bytes as the keys that it has seen.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (checkpoint, seen) = input;
    sync::try_to_go_on(checkpoint, seen);
});
