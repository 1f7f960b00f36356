use domain::{ConnectionId, Stream, record::Subtype};

use super::{
    fixtures::{Started, add_connection, at, page, page_of, row, started, stored},
    records::{plain, topic},
};
use crate::{PageCommit, Row, Store, TopicRef};

async fn awaiting(store: &dyn Store, connection: ConnectionId) -> Vec<String> {
    let topics = store.topics_awaiting_replies(connection, None, 100).await;
    topics
        .expect("an answer")
        .into_iter()
        .map(|topic| topic.public_id)
        .collect()
}

/// Serves a topic, reads a topic's replies, and says which topics await theirs then.
struct Forum<'a> {
    store: &'a dyn Store,
    started: Started,
}

impl Forum<'_> {
    async fn after_serving(&self, record: domain::record::Record) -> Vec<String> {
        let commit = page_of(self.started.connection, Stream::Topics, vec![record]);
        self.after(&commit).await
    }

    async fn after_reading(&self, public_id: &str) -> Vec<String> {
        let commit = PageCommit {
            replies_read: vec![public_id.into(), "never seen".into()],
            ..page(self.started.connection, Stream::Replies)
        };
        self.after(&commit).await
    }

    async fn after(&self, commit: &PageCommit) -> Vec<String> {
        let written = self.store.commit_page(&self.started.lease, commit).await;
        written.expect("a page");
        awaiting(self.store, self.started.connection).await
    }
}

pub async fn topics_await_their_replies_until_they_are_read(store: &dyn Store) {
    let forum = Forum {
        store,
        started: started(store, 1).await,
    };
    let mut renamed = topic("busy", 2, 1);
    retitle(&mut renamed);
    let served = [
        ("new, without replies", topic("quiet", 0, 1), &[][..]),
        ("new, with replies", topic("busy", 2, 1), &["busy"][..]),
        ("unchanged, and still not read", topic("busy", 2, 1), &["busy"]),
        ("renamed, and still not read", renamed.clone(), &["busy"]),
    ];
    for (told, record, expected) in served {
        assert_eq!(forum.after_serving(record).await, expected, "{told}");
    }
    let none: [&str; 0] = [];
    assert_eq!(forum.after_reading("busy").await, none, "read");
    let edited = [renamed.clone(), topic("busy", 2, 1), renamed];
    for record in edited {
        assert_eq!(
            forum.after_serving(record).await,
            none,
            "an edit moves no replies"
        );
    }
    let moved = [
        ("busy", topic("busy", 3, 1)),
        ("busy", topic("busy", 2, 1)),
        ("quiet", topic("quiet", 1, 2)),
        ("quiet", topic("quiet", 0, 2)),
    ];
    for (id, record) in moved {
        assert_eq!(forum.after_serving(record).await, [id]);
        assert_eq!(forum.after_reading(id).await, none);
    }
    assert_eq!(
        forum.after_serving(topic("quiet", 0, 3)).await,
        none,
        "there is nothing to read"
    );
    serve_repeated(store, &forum.started).await;
}

/// A topic that comes again in the same run, with one reply more, awaits them too.
async fn serve_repeated(store: &dyn Store, started: &Started) {
    let again = PageCommit {
        rows: vec![Row {
            repeated: true,
            ..row(topic("busy", 4, 9))
        }],
        found: 1,
        repeated: 1,
        ..page(started.connection, Stream::Topics)
    };
    store.commit_page(&started.lease, &again).await.expect("a page");
    assert_eq!(awaiting(store, started.connection).await, ["busy"], "repeated");
}

fn retitle(record: &mut domain::record::Record) {
    if let domain::record::Record::Content(content) = record {
        content.title = Some("another".into());
    }
}

pub async fn topics_awaiting_replies_are_paged(store: &dyn Store) {
    let started = started(store, 1).await;
    let other = add_connection(store, 2).await;
    let topics = ["10", "9", "2", "1"].map(|id| topic(id, 1, 1)).to_vec();
    let commit = page_of(started.connection, Stream::Topics, topics);
    store.commit_page(&started.lease, &commit).await.expect("a page");
    // Replies never await replies, whatever their count says.
    let mut reply = plain(Stream::Replies, "5");
    if let domain::record::Record::Content(content) = &mut reply {
        content.reply_count = 1;
    }
    let commit = page_of(started.connection, Stream::Replies, vec![reply]);
    store.commit_page(&started.lease, &commit).await.expect("a page");

    let page = |after, limit| async move {
        store
            .topics_awaiting_replies(started.connection, after, limit)
            .await
            .expect("an answer")
    };
    let reference = |id: &str| TopicRef {
        public_id: id.into(),
        private_id: format!("private-{id}"),
        subtype: Subtype::Question,
        reply_count: 1,
    };
    assert_eq!(page(None, 2).await, [reference("1"), reference("10")]);
    assert_eq!(page(Some("10"), 2).await, [reference("2"), reference("9")]);
    assert_eq!(page(Some("9"), 2).await, []);
    assert_eq!(awaiting(store, other).await, Vec::<String>::new());
}

pub async fn a_topic_and_a_reply_may_share_an_id(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in [Stream::Topics, Stream::Replies] {
        let commit = page_of(started.connection, stream, vec![plain(stream, "1")]);
        let written = store.commit_page(&started.lease, &commit).await.expect("a page");
        assert_eq!((written.new, written.updated), (1, 0), "{stream}");
        assert_eq!(
            stored(store, started.connection, stream).await,
            [plain(stream, "1")]
        );
    }
    let counts = store.overview(at(0)).await.expect("an overview")[0].counts;
    assert_eq!((counts.topics, counts.replies), (1, 1));
}
