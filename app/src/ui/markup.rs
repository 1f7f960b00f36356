//! Markup written by hand, for parts that never react. A page of cards is rendered thousands of times a second; as
//! text such a part costs one string, as a view it costs a dozen allocations for each element, and hydration as well.

use std::fmt;

/// Text as it may stand in markup, in an element or in a quoted attribute. Everything that is not ours passes here.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// One choice of a list.
pub fn choice(value: &dyn fmt::Display, chosen: bool, words: &str) -> String {
    let selected = if chosen { " selected" } else { "" };
    let value = value.to_string();
    format!(
        r#"<option value="{}"{selected}>{}</option>"#,
        Text(&value),
        Text(words)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(
            Text(r#"<b title='x'>"Ann & Bo" é</b>"#).to_string(),
            "&lt;b title=&#39;x&#39;&gt;&quot;Ann &amp; Bo&quot; é&lt;/b&gt;"
        );
        assert_eq!(Text("").to_string(), "");
    }
}
