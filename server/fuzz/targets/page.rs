//! Any bytes as the answer to any listing. The decoder is taken in by its path: it needs no HTTP, and builds in a minute.
#![no_main]

#[path = "../../connector/src/decode/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the target calls a part of what the module gives its crate"
)]
mod decode;

use domain::ProfileMapping;
use libfuzzer_sys::fuzz_target;
use store::TopicRef;
use sync::{PageRequest, Served};

fuzz_target!(|input: (u8, &[u8])| {
    let (listing, body) = input;
    let request = match listing % 6 {
        0 => PageRequest::IdeaStatuses,
        1 => PageRequest::Categories,
        2 => PageRequest::users(1),
        3 => PageRequest::topics(1),
        4 => PageRequest::Activity { page: 1 },
        _ => PageRequest::Replies {
            topic: TopicRef {
                public_id: "9".into(),
                private_id: "4".into(),
                subtype: domain::record::Subtype::Question,
                reply_count: 0,
            },
            page: 1,
        },
    };
    let _ = decode::decode_counts(body);
    let Ok(page) = decode::decode(&request, &ProfileMapping::default(), body) else {
        return;
    };
    // Each record takes bytes of the body, so a page cannot grow out of nothing; and what was accepted can be stored.
    assert!(page.records.len() <= body.len());
    for served in &page.records {
        match served {
            Served::Valid(record) => {
                assert!(!record.key().is_empty());
                let json = serde_json::to_string(record).expect("a record is text, numbers and times");
                assert!(!json.contains("\\u0000"), "PostgreSQL takes no NUL");
            }
            Served::Invalid(record) => assert!(!record.message.is_empty()),
        }
    }
});
