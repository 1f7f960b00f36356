use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::is_invisible;

/// Longer text is no address and no domain (bytes): RFC 5321 allows 254, and letters outside of ASCII take up to four each.
const TEXT_MAX_BYTES: usize = 1_000;
/// RFC 1035, section 2.3.4: a domain, and a label of it (bytes).
const DOMAIN_MAX_BYTES: usize = 253;
const LABEL_MAX_BYTES: usize = 63;

/// An address trimmed and in lower case, its domain as an A-label; tags behind a plus stay. `None` if it is none.
pub fn email(text: &str) -> Option<String> {
    let text = trim(text);
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    let (local, host) = text.rsplit_once(['@', '＠'])?;
    if host.contains(char::is_whitespace) {
        return None;
    }
    let mut email = local_part(local)?;
    email.push('@');
    email.push_str(&domain(host)?);
    (email.len() <= TEXT_MAX_BYTES).then_some(email)
}

/// What is before the `@`, as RFC 8265 has user names (`UsernameCaseMapped`): in lower case, full-width letters as others,
/// accents composed. Spaces and further `@` need quotes.
fn local_part(text: &str) -> Option<String> {
    let local = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        let visible: String = text
            .chars()
            .filter(|c| !is_invisible(*c))
            .map(half_width)
            .collect();
        visible.to_lowercase().nfc().collect()
    };
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let needs_quotes = |c: char| c == '@' || c.is_whitespace();
    let is_one = match quoted {
        Some(quoted) => !quoted.is_empty() && !quoted.contains(|c: char| c == '"' || c.is_control()),
        None => !local.is_empty() && !local.contains(|c: char| needs_quotes(c) || c == '"' || c.is_control()),
    };
    is_one.then_some(local)
}

/// Full-width forms lie in the order of ASCII.
fn half_width(c: char) -> char {
    const SHIFT: u32 = '！' as u32 - '!' as u32;
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - SHIFT).unwrap_or(c),
        _ => c,
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// A domain in lower case and as an A-label (`xn--…`), without the root's point. `None` if it is none, such as an IP address
/// in brackets.
pub fn domain(text: &str) -> Option<Cow<'_, str>> {
    let text = trim(text);
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    let text = text.strip_suffix(['.', '。']).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let is_plain = text.bytes().all(plain) && !text.contains("xn--");
    let ascii = if is_plain {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(idna::domain_to_ascii(text).ok()?)
    };
    let label = |label: &str| {
        (1..=LABEL_MAX_BYTES).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // An all-numeric last label is an address of a host, not a name (RFC 3696, section 2).
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    let is_one = ascii.len() <= DOMAIN_MAX_BYTES && ascii.split('.').all(label) && !is_address;
    is_one.then_some(ascii)
}

/// A company's domain as people write it: with a scheme, a path, `@` or `www.` as well.
pub fn company_domain(text: &str) -> Option<String> {
    let text = trim(text);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.strip_prefix('@').unwrap_or(text);
    let host = domain(text.split(['/', '?', '#', ':']).next().unwrap_or_default())?;
    let mut bare = &*host;
    while let Some(rest) = bare.strip_prefix("www.")
        && psl::domain_str(rest).is_some()
    {
        bare = rest;
    }
    Some(bare.to_owned())
}

/// A normalised domain, then its parents down to the registrable one, by the public suffix list.
pub fn domain_and_parents(domain: &str) -> impl Iterator<Item = &str> {
    let shortest = psl::domain_str(domain).map_or(domain.len(), str::len);
    std::iter::successors(Some(domain), move |longer| {
        let (_, parent) = longer.split_once('.')?;
        (parent.len() >= shortest).then_some(parent)
    })
}

/// The label under which a normalised domain is registered, in letters: `müller` of `mail.xn--mller-kva.co.uk`. `None` for a
/// public suffix itself.
pub fn registrable_label(domain: &str) -> Option<Cow<'_, str>> {
    let registrable = psl::domain_str(domain)?;
    let (label, _) = registrable.split_once('.')?;
    if label.starts_with("xn--") {
        let (unicode, result) = idna::domain_to_unicode(label);
        return Some(if result.is_ok() {
            Cow::Owned(unicode)
        } else {
            Cow::Borrowed(label)
        });
    }
    Some(Cow::Borrowed(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_trimmed_and_in_lower_case_and_keep_their_tags() {
        for (given, expected) in [
            ("  Ann.Lee+News@ACME.Com ", Some("ann.lee+news@acme.com")),
            ("ÅSA@example.se", Some("åsa@example.se")),
            ("ann@Müller.de", Some("ann@xn--mller-kva.de")),
            ("ann@xn--mller-kva.de", Some("ann@xn--mller-kva.de")),
            ("ann@acme.com.", Some("ann@acme.com")),
            ("ann", None),
            ("@acme.com", None),
            ("ann@", None),
            ("ann lee@acme.com", None),
            ("ann@@acme.com", None),
            ("ann@acme..com", None),
            ("ann@[192.0.2.1]", None),
            ("ann@192.0.2.1", None),
            ("\"ann lee\"@acme.com", Some("\"ann lee\"@acme.com")),
            ("\"ann@home\"@acme.com", Some("\"ann@home\"@acme.com")),
            ("ａｎｎ＠ａｃｍｅ．ｃｏｍ", Some("ann@acme.com")),
            ("e\u{301}va@acme.com\u{202c}", Some("\u{e9}va@acme.com")),
            ("", None),
        ] {
            assert_eq!(email(given).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn a_domain_comes_before_its_parents_and_ends_at_the_registrable_one() {
        let ladder = |domain| domain_and_parents(domain).collect::<Vec<_>>();
        assert_eq!(
            ladder("a.b.acme.co.uk"),
            ["a.b.acme.co.uk", "b.acme.co.uk", "acme.co.uk"]
        );
        assert_eq!(ladder("acme.com"), ["acme.com"]);
        // Private suffixes count: what is below github.io belongs to different people.
        assert_eq!(
            ladder("docs.acme.github.io"),
            ["docs.acme.github.io", "acme.github.io"]
        );
        assert_eq!(ladder("co.uk"), ["co.uk"]);
        assert_eq!(ladder("localhost"), ["localhost"]);
        assert_eq!(
            ladder("mail.corp.internal"),
            ["mail.corp.internal", "corp.internal"]
        );
    }

    #[test]
    fn the_registrable_label_is_read_in_letters() {
        for (domain, expected) in [
            ("uk.halden-freight.co.uk", Some("halden-freight")),
            ("mail.xn--mller-kva.de", Some("müller")),
            ("acme.com", Some("acme")),
            ("co.uk", None),
            ("localhost", None),
        ] {
            assert_eq!(registrable_label(domain).as_deref(), expected, "{domain}");
        }
    }

    #[test]
    fn companies_domains_may_be_written_as_people_write_them() {
        for (given, expected) in [
            ("https://www.Acme.com/about?x=1", Some("acme.com")),
            ("@acme.com", Some("acme.com")),
            ("acme.com:8443", Some("acme.com")),
            ("www.com", Some("www.com")),
            ("www.www.acme.com", Some("acme.com")),
            ("acme.com。", Some("acme.com")),
            ("MÜLLER.de", Some("xn--mller-kva.de")),
            ("no domain", None),
            ("", None),
        ] {
            assert_eq!(company_domain(given).as_deref(), expected, "{given:?}");
        }
    }
}
