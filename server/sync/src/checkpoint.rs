use domain::Stream;
use serde::{Deserialize, Serialize};
use store::TopicRef;

use crate::{shard::Shard, steady::Steady};

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

#[cfg(test)]
mod tests {
    use domain::record::Subtype;

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

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let topic = TopicRef {
            public_id: "9007".into(),
            private_id: "41".into(),
            subtype: Subtype::Idea,
        };
        let within = Checkpoint::Replies {
            after: Some("9".into()),
            within: Some((topic, 3)),
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
