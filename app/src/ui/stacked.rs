//! A bar whose parts add up to its whole. What the parts are is written beside it.

use std::fmt::Write as _;

/// Width of the drawing.
const BAR: u64 = 1000;
/// A part that exists is to be seen.
const LEAST_PART: u64 = 3;
/// Ground that parts neighbours.
const GAP: u64 = 3;

/// Parts by their classes, which are ours and need no escaping.
pub fn stacked(parts: &[(&'static str, u64)]) -> String {
    let mut svg = format!(r#"<svg viewBox="0 0 {BAR} 8" preserveAspectRatio="none" aria-hidden="true">"#);
    let shown: Vec<_> = parts.iter().filter(|(_, count)| *count > 0).collect();
    let all: u64 = shown.iter().map(|(_, count)| count).sum();
    let room = BAR.saturating_sub((GAP + LEAST_PART) * shown.len() as u64);
    let mut x = 0;
    let last = shown.len().saturating_sub(1);
    for (index, (class, count)) in shown.into_iter().enumerate() {
        let part = u128::from(room) * u128::from(*count) / u128::from(all);
        let width = LEAST_PART + u64::try_from(part).unwrap_or(room);
        // What rounding left over goes to the last.
        let width = if index == last {
            BAR.saturating_sub(x)
        } else {
            width
        };
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{x}" width="{width}" height="8"/>"#
        );
        x += width + GAP;
    }
    svg.push_str("</svg>");
    svg
}
