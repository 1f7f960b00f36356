//! The payload of a record that was set aside: as it came, without what must not be kept.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{TEXT_MAX_BYTES, scalar::without_nul};

/// Levels that a payload keeps; a record of this API has six. Deeper values are cut, which bounds the recursion.
const MAX_DEPTH: usize = 32;
/// Largest payload in bytes, so that a page of broken records cannot fill the database.
const MAX_BYTES: usize = 4 * TEXT_MAX_BYTES;
const CUT: &str = "\"[cut]\"";

/// A payload, and whether something in it was longer than is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) text: String,
    pub(crate) cut: bool,
}

impl Payload {
    fn push_cut(&mut self) {
        self.text.push_str(CUT);
        self.cut = true;
    }
}

/// JSON text without IP addresses, private-message counts, session ids and bodies of posts; long texts cut.
pub(crate) fn clean(raw: &RawValue) -> Payload {
    let mut out = Payload::default();
    copy(raw, 0, &mut out);
    if out.text.len() > MAX_BYTES {
        Payload {
            text: CUT.to_owned(),
            cut: true,
        }
    } else {
        out
    }
}

/// Whether a field of this name must not be kept.
pub(crate) fn is_private(key: &str) -> bool {
    const EXACT: [&str; 8] = [
        "ip",
        "pm",
        "body",
        "content",
        "signature",
        "pmtotal",
        "pmunread",
        "session_ids_flagged_for_logout",
    ];
    let lower = key.to_ascii_lowercase();
    let about_ip = ["ipaddress", "ip_address", "ipaddr", "ip-address"]
        .iter()
        .any(|part| lower.contains(part))
        || ["ip_", "ip-", "ipv"].iter().any(|start| lower.starts_with(start))
        || ["_ip", "-ip"].iter().any(|end| lower.ends_with(end))
        || ["Ip", "IP"].iter().any(|end| key.ends_with(end));
    let about_messages = ["pm_", "pm-"].iter().any(|start| lower.starts_with(start))
        || ["privatemessage", "private_message", "private-message"]
            .iter()
            .any(|part| lower.contains(part));
    about_ip || about_messages || EXACT.contains(&lower.as_str())
}

fn copy(raw: &RawValue, depth: usize, out: &mut Payload) {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth >= MAX_DEPTH || out.text.len() > MAX_BYTES => out.push_cut(),
        Some(b'{') => copy_object(text, depth, out),
        Some(b'[') => copy_list(text, depth, out),
        Some(b'"') => copy_text(text, out),
        _ => out.text.push_str(text),
    }
}

fn copy_object(text: &str, depth: usize, out: &mut Payload) {
    let Ok(Members(members)) = serde_json::from_str(text) else {
        out.push_cut();
        return;
    };
    out.text.push('{');
    let mut first = true;
    for (key, value) in members.iter().filter(|(key, _)| !is_private(key)) {
        if !std::mem::take(&mut first) {
            out.text.push(',');
        }
        push_quoted(key, out);
        out.text.push(':');
        copy(value, depth + 1, out);
    }
    out.text.push('}');
}

fn copy_list(text: &str, depth: usize, out: &mut Payload) {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) else {
        out.push_cut();
        return;
    };
    out.text.push('[');
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.text.push(',');
        }
        copy(item, depth + 1, out);
    }
    out.text.push(']');
}

fn copy_text(text: &str, out: &mut Payload) {
    if text.len() <= TEXT_MAX_BYTES && !text.contains("\\u0000") {
        out.text.push_str(text);
        return;
    }
    let Ok(value) = serde_json::from_str::<Cow<'_, str>>(text) else {
        out.push_cut();
        return;
    };
    let kept = value.floor_char_boundary(TEXT_MAX_BYTES);
    out.cut |= kept < value.len();
    push_quoted(&value[..kept], out);
}

fn push_quoted(text: &str, out: &mut Payload) {
    out.text
        .push_str(&serde_json::Value::String(without_nul(text)).to_string());
}

/// The members of an object in the order in which they came.
struct Members<'de>(Vec<(String, &'de RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cleaned(json: &str) -> String {
        clean(serde_json::from_str(json).unwrap()).text
    }

    fn is_cut(json: &str) -> bool {
        clean(serde_json::from_str(json).unwrap()).cut
    }

    #[test]
    fn private_fields_go_at_any_depth_and_the_rest_stays_as_it_came() {
        let json = r#"{"userid": 1.50, "ipaddress":"1.2.3.4","a":[{"lastIp":"x","pmtotal":3,"b":"ä\n"}],"pmunread":0}"#;
        assert_eq!(cleaned(json), r#"{"userid":1.50,"a":[{"b":"ä\n"}]}"#);
    }

    #[test]
    fn names_that_only_look_alike_are_kept() {
        for key in [
            "zip",
            "membership",
            "description",
            "equipment",
            "recipient",
            "shipping",
            "contentType",
            "pmp",
        ] {
            assert!(!is_private(key), "{key}");
        }
        for key in [
            "ip",
            "IP",
            "ipaddress",
            "IpAddress",
            "last_ip",
            "userIp",
            "ipv6",
            "pm_count",
            "PrivateMessages",
        ] {
            assert!(is_private(key), "{key}");
        }
    }

    #[test]
    fn a_payload_is_bounded_in_depth_and_length() {
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(cleaned(&deep).contains("[cut]") && is_cut(&deep));
        let long = format!("{{\"title\":\"{}\"}}", "é".repeat(TEXT_MAX_BYTES));
        assert!(cleaned(&long).len() <= TEXT_MAX_BYTES + 20 && is_cut(&long));
        let many = format!("[{}0]", format!("\"{}\",", "x".repeat(1000)).repeat(2_000));
        assert_eq!(cleaned(&many), CUT);
        assert!(is_cut(&many));
        let whole = format!(
            "{{\"title\":\"{}\",\"[cut]\":\"[cut]\"}}",
            "x".repeat(TEXT_MAX_BYTES)
        );
        assert!(!is_cut(&whole), "only what was cut counts as cut");
    }

    #[test]
    fn nul_is_replaced_in_keys_and_values() {
        assert_eq!(
            cleaned("{\"a\\u0000\":\"b\\u0000\"}"),
            "{\"a\u{fffd}\":\"b\u{fffd}\"}"
        );
    }

    proptest! {
        #[test]
        fn any_value_stays_json(keys in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..8)) {
            let object: serde_json::Map<_, _> = keys.into_iter().map(|(key, value)| (key, value.into())).collect();
            let json = serde_json::to_string(&object).unwrap();
            let back: serde_json::Value = serde_json::from_str(&cleaned(&json)).unwrap();
            for (key, value) in back.as_object().unwrap() {
                prop_assert!(!is_private(key));
                let replaced = value.to_string().contains('\u{fffd}') || key.contains('\u{fffd}');
                prop_assert!(replaced || object.get(key) == Some(value), "{}", key);
            }
        }
    }
}
