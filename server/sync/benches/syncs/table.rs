//! One table of what was measured: what, measured, beside what, and the ratio.

use std::process::Stdio;

use crate::provider::this_program;

const MICROS_PER_SECOND: f64 = 1e6;

/// Seconds of one piece of work.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) wall: f64,
    /// Of all its threads.
    pub(crate) cpu: f64,
}

impl Times {
    pub(crate) fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut next = || words.next().and_then(|word| word.parse().ok());
        Self {
            wall: next().expect("wall seconds"),
            cpu: next().expect("CPU seconds"),
        }
    }
}

/// Records per second of wall time, and CPU per record: the first says what a machine does, the second hardly depends on
/// what else it does.
pub(crate) fn compare(what: &str, users: u64, measured: Times, beside: Times) {
    let rate = |times: Times| format!("{}/s", thousands_of(as_float(users) / times.wall));
    row(what, &rate(measured), &rate(beside), beside.wall / measured.wall);
    let cpu = |times: Times| format!("{:.1} µs", times.cpu * MICROS_PER_SECOND / as_float(users));
    let what = "… its CPU, a user";
    row(what, &cpu(measured), &cpu(beside), beside.cpu / measured.cpu);
}

/// What a child of this program prints, line by line.
pub(crate) fn measured<T>(part: &[&str], read: impl FnMut(&str) -> T) -> Vec<T> {
    let output = this_program(part)
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    assert!(output.status.success(), "{part:?} failed");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(read).collect()
}

/// The middle of each time by itself.
pub(crate) fn middle(times: &[Times]) -> Times {
    let of = |part: fn(Times) -> f64| {
        let mut sorted: Vec<_> = times.iter().copied().map(part).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    Times {
        wall: of(|times| times.wall),
        cpu: of(|times| times.cpu),
    }
}

pub(crate) fn row(what: &str, measured: &str, beside: &str, ratio: f64) {
    println!("| {what} | {measured} | {beside} | {ratio:.2} |");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts here are far below 2^52, and shown with four digits"
)]
pub(crate) fn as_float(count: u64) -> f64 {
    count as f64
}

pub(crate) fn thousands(count: u64) -> String {
    thousands_of(as_float(count))
}

/// 1,234,567
pub(crate) fn thousands_of(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
