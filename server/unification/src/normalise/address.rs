use std::borrow::Cow;

/// An address trimmed and in lower case, its domain as an A-label; tags behind a plus stay. `None` if it is none.
pub fn email(text: &str) -> Option<String> {
    let (local, host) = text.trim().rsplit_once('@')?;
    if local.is_empty() || local.contains(|c: char| c.is_whitespace() || c == '@') {
        return None;
    }
    let mut email = local.to_lowercase();
    email.push('@');
    email.push_str(&domain(host)?);
    Some(email)
}

/// A domain in lower case and as an A-label (`xn--…`), without the root's point. `None` if it is none, such as an IP address
/// in brackets.
pub fn domain(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let text = text.strip_suffix('.').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let is_plain = text.bytes().all(plain) && !text.contains("xn--");
    let ascii = if is_plain {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(idna::domain_to_ascii(text).ok()?)
    };
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // An all-numeric last label is an address of a host, not a name (RFC 3696, section 2).
    let last = ascii.rsplit('.').next().unwrap_or_default();
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit());
    (ascii.split('.').all(label) && !is_address).then_some(ascii)
}

/// A company's domain as people write it: with a scheme, a path, `@` or `www.` as well.
pub fn company_domain(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.strip_prefix('@').unwrap_or(text);
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let host = domain(host)?;
    let bare = host
        .strip_prefix("www.")
        .filter(|bare| psl::domain_str(bare).is_some());
    Some(bare.unwrap_or(&host).to_owned())
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
            ("MÜLLER.de", Some("xn--mller-kva.de")),
            ("no domain", None),
            ("", None),
        ] {
            assert_eq!(company_domain(given).as_deref(), expected, "{given:?}");
        }
    }
}
