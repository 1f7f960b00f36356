//! A record that was set aside, read anew from its payload.

use domain::{
    ProfileMapping, Stream,
    record::{InvalidRecord, Record},
};
use store::TopicRef;
use sync::{PageRequest, Served};

use super::{COMMUNITY, Layout, USERS, decode};

/// Grows with every change of the decoder that lets it read what it set aside before, or fills a member's columns
/// otherwise: whatever is stored is then read anew once, without the API.
pub const DECODER_VERSION: i64 = 1;

/// Why a record cannot be tried again from what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreplayable {
    #[error("its payload was longer than is kept; a full sync reads it again from the provider")]
    Cut,
    #[error("the topic of this reply is not stored")]
    NoTopic,
}

/// Reads a payload again, exactly as a page that holds it. `topic` is that of a reply. A record that is still invalid
/// comes back with its newest reason.
pub fn decode_again(
    record: &InvalidRecord,
    topic: Option<&TopicRef>,
    mapping: &ProfileMapping,
) -> Result<Result<Record, InvalidRecord>, Unreplayable> {
    if record.payload_cut {
        return Err(Unreplayable::Cut);
    }
    let request = match record.stream {
        Stream::IdeaStatuses => PageRequest::IdeaStatuses,
        Stream::Categories => PageRequest::Categories,
        Stream::Users => PageRequest::users(1),
        Stream::Topics => PageRequest::topics(1),
        Stream::Activity => PageRequest::Activity { page: 1 },
        Stream::Replies => PageRequest::Replies {
            topic: topic.ok_or(Unreplayable::NoTopic)?.clone(),
            page: 1,
        },
    };
    let Layout { list, .. } = if record.stream == Stream::Users {
        USERS
    } else {
        COMMUNITY
    };
    let page = format!("{{\"{list}\":[{}]}}", record.payload);
    let served = decode(&request, mapping, page.as_bytes())
        .ok()
        .and_then(|mut page| (page.records.len() == 1).then(|| page.records.remove(0)));
    Ok(match served {
        Some(Served::Valid(read)) => Ok(read),
        // What was kept stays as it was kept.
        Some(Served::Invalid(flawed)) => Err(InvalidRecord {
            payload: record.payload.clone(),
            ..flawed
        }),
        None => Err(record.clone()),
    })
}

#[cfg(test)]
mod tests {
    use domain::record::{InvalidReason, Subtype};

    use super::*;

    fn set_aside(stream: Stream, payload: &str) -> InvalidRecord {
        InvalidRecord {
            stream,
            reason: InvalidReason::UnreadableRecord,
            name: "it".into(),
            message: "as an earlier version said".into(),
            payload: payload.into(),
            payload_cut: false,
            topic_public_id: None,
            repaired_at: None,
        }
    }

    fn topic() -> TopicRef {
        TopicRef {
            public_id: "900".into(),
            private_id: "41".into(),
            subtype: Subtype::Idea,
            reply_count: 0,
        }
    }

    #[test]
    fn a_payload_that_can_be_read_now_gives_its_record() {
        let payload = r#"{"userid":7,"joindate":1738555506,"_related":{"userprofilefields":[
            {"profilefield_name":"Rufnummer","value":"+49 1"}]}}"#;
        let mapping = ProfileMapping::default()
            .with(domain::MappedColumn::Phone, vec!["Rufnummer".into()])
            .unwrap();
        let read = decode_again(&set_aside(Stream::Users, payload), None, &mapping);
        let Ok(Ok(Record::User(user))) = read else {
            panic!("{read:?}")
        };
        assert_eq!(
            (user.community_user_id.as_str(), user.phone.as_deref()),
            ("7", Some("+49 1"))
        );
    }

    #[test]
    fn what_is_still_invalid_says_why_by_today_s_rules() {
        let odd = set_aside(Stream::Users, r#"{"userid":7,"joindate":"0000-00-00"}"#);
        let read = decode_again(&odd, None, &ProfileMapping::default());
        let Ok(Err(still)) = read else { panic!("{read:?}") };
        assert_eq!(still.reason, InvalidReason::UnreadableTime);
        assert_eq!((still.name.as_str(), &still.payload), ("user 7", &odd.payload));
    }

    #[test]
    fn a_reply_needs_its_topic_and_a_cut_payload_is_not_tried() {
        let reply = set_aside(
            Stream::Replies,
            r#"{"id":2,"publicReplyId":5,"repliedAt":"2025-02-03T04:05:06+00:00"}"#,
        );
        let mapping = ProfileMapping::default();
        assert_eq!(decode_again(&reply, None, &mapping), Err(Unreplayable::NoTopic));
        let read = decode_again(&reply, Some(&topic()), &mapping);
        let Ok(Ok(Record::Content(content))) = read else {
            panic!("{read:?}")
        };
        assert_eq!(content.topic_public_id.as_deref(), Some("900"));
        let cut = InvalidRecord {
            payload_cut: true,
            ..reply
        };
        assert_eq!(
            decode_again(&cut, Some(&topic()), &mapping),
            Err(Unreplayable::Cut)
        );
    }

    #[test]
    fn a_payload_cannot_pass_for_a_page() {
        for payload in [
            "",
            "1},{\"userid\":1",
            r#"{"userid":1,"joindate":5},{"userid":2,"joindate":5}"#,
            "]}",
        ] {
            let odd = set_aside(Stream::Users, payload);
            let read = decode_again(&odd, None, &ProfileMapping::default());
            assert_eq!(read, Ok(Err(odd)), "{payload}");
        }
    }
}
