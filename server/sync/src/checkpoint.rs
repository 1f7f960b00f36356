use domain::Stream;
use serde::{Deserialize, Serialize};
use store::TopicRef;

use crate::{
    Fetched, Page, reading::Reading, seen::SeenKeys, shard::Shard, steady::Steady, thread::Thread,
    window::Windows,
};

/// Pages that a checkpoint is tried with.
const PAGES_AHEAD: usize = 4;

/// Where a run goes on. Committed with each page, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Checkpoint {
    /// A stream that is one listing.
    Listing {
        stream: Stream,
        next_page: u32,
        /// Set once the listing has proved longer than the provider serves: what is left of it, the shard that is being
        /// read last.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shards: Vec<Shard>,
        /// Whether it held still so far.
        #[serde(default, skip_serializing_if = "Steady::is_default")]
        steady: Steady,
    },
    /// The replies of one topic after the other, in the order of the topics' public ids.
    Replies {
        /// The last topic that is done with.
        after: Option<String>,
        /// The topic that is read in part, and its next page.
        within: Option<(TopicRef, u32)>,
        /// How far the reading of that topic has come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<Thread>,
    },
    /// Every stream is read, in a full pass: from this one on, the rows are looked for that it has not met.
    Missing { stream: Stream },
    /// Nothing is left to do.
    Done,
}

impl Checkpoint {
    pub(crate) fn start_of(stream: Option<Stream>) -> Self {
        match stream {
            None => Self::Done,
            Some(Stream::Replies) => Self::Replies {
                after: None,
                within: None,
                thread: None,
            },
            Some(stream) => Self::Listing {
                stream,
                next_page: 1,
                shards: Vec::new(),
                steady: Steady::default(),
            },
        }
    }

    pub(crate) fn stream(&self) -> Option<Stream> {
        match self {
            Self::Listing { stream, .. } | Self::Missing { stream } => Some(*stream),
            Self::Replies { .. } => Some(Stream::Replies),
            Self::Done => None,
        }
    }

    /// What follows once all streams are read in a full pass.
    pub(crate) fn first_missing() -> Self {
        Self::Missing {
            stream: Stream::IdeaStatuses,
        }
    }

    /// What follows once it is known what is missing of a stream. Views are events: they are never taken back.
    pub(crate) fn after_missing(stream: Stream) -> Self {
        match stream.next() {
            None | Some(Stream::Activity) => Self::Done,
            Some(stream) => Self::Missing { stream },
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// Reads a checkpoint and what was seen, as a worker does that takes a run up, and asks for the first pages. For tests and
/// fuzzing: whatever the texts are, it must not panic, and a checkpoint that is accepted is written again as it was.
#[doc(hidden)]
pub fn try_to_go_on(checkpoint: &str, seen: &[u8]) -> bool {
    let keys = SeenKeys::from_bytes(seen);
    let Ok(checkpoint) = Checkpoint::from_json(checkpoint) else {
        return false;
    };
    let again = Checkpoint::from_json(&checkpoint.to_json());
    assert!(again.is_ok_and(|again| again == checkpoint));
    let Some(mut reading) = Reading::resume(&checkpoint, &Windows::default(), PAGES_AHEAD) else {
        return keys.is_ok();
    };
    for request in reading.requests() {
        reading.arrived(&request, Fetched::Page(Page::default()));
        // It may end or fail, as it should with an empty page that is not the last.
        let _ = reading.take_batch(
            &mut keys.as_ref().map(Clone::clone).unwrap_or_default(),
            &checkpoint,
        );
    }
    keys.is_ok()
}

#[cfg(test)]
mod tests {
    use domain::record::Subtype;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_missing_is_looked_for_in_all_streams_but_views() {
        let mut streams = Vec::new();
        let mut checkpoint = Checkpoint::first_missing();
        while let Some(stream) = checkpoint.stream() {
            streams.push(stream);
            checkpoint = Checkpoint::after_missing(stream);
        }
        assert_eq!(streams, Stream::ALL[..5]);
    }

    /// Checkpoints as they are written, of each kind.
    fn written() -> Vec<String> {
        let topic = TopicRef {
            public_id: "9007".into(),
            private_id: "41".into(),
            subtype: Subtype::Idea,
            reply_count: 250,
        };
        let mut checkpoints = vec![Checkpoint::Done, Checkpoint::first_missing()];
        checkpoints.extend(Stream::ALL.map(|stream| Checkpoint::start_of(Some(stream))));
        checkpoints.push(Checkpoint::Replies {
            after: Some("9".into()),
            within: Some((topic, 3)),
            thread: Some(Thread::begin(250)),
        });
        let mut steady = Steady::default();
        steady.count_first();
        steady.count(Some([("12".to_owned(), 34)].into()));
        checkpoints.push(Checkpoint::Listing {
            stream: Stream::Topics,
            next_page: 7,
            shards: Shard::ALL.split(None),
            steady,
        });
        checkpoints.iter().map(Checkpoint::to_json).collect()
    }

    proptest! {
        #[test]
        fn no_text_and_no_bytes_make_a_worker_panic(text: String, seen: Vec<u8>) {
            try_to_go_on(&text, &seen);
        }

        /// Numbers, names and shapes are changed at random places.
        #[test]
        fn no_nearly_right_checkpoint_makes_a_worker_panic(
            which: prop::sample::Index, changes in prop::collection::vec((any::<prop::sample::Index>(), "[0-9a-z\"{},:\\[\\]-]{0,3}"), 0..4),
        ) {
            let written = written();
            let mut text = written[which.index(written.len())].clone();
            prop_assert!(try_to_go_on(&text, &[]));
            for (place, by) in changes {
                let at = place.index(text.len().max(1)).min(text.len());
                text.replace_range(at..(at + 1).min(text.len()), &by);
            }
            try_to_go_on(&text, &[]);
        }
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let topic = TopicRef {
            public_id: "9007".into(),
            private_id: "41".into(),
            subtype: Subtype::Idea,
            reply_count: 250,
        };
        let within = Checkpoint::Replies {
            after: Some("9".into()),
            within: Some((topic, 3)),
            thread: Some(Thread::begin(250)),
        };
        let shards = Checkpoint::Listing {
            stream: Stream::Topics,
            next_page: 7,
            shards: Shard::ALL.split(None),
            steady: Steady::default(),
        };
        let starts = Stream::ALL
            .into_iter()
            .map(|stream| Checkpoint::start_of(Some(stream)));
        for checkpoint in starts.chain([Checkpoint::Done, Checkpoint::first_missing(), within, shards]) {
            assert_eq!(
                Checkpoint::from_json(&checkpoint.to_json()).expect("what was written"),
                checkpoint
            );
        }
    }
}
