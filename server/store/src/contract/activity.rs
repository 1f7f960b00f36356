use domain::{
    ActivitySource, Object, Stream,
    record::{Activity, Record},
};

use super::{
    accounts::operator,
    export::exported,
    fixtures::{Started, add_connection, at, connection_id, hash, page, run, start_run, stored},
    records::full,
};
use crate::{ImportOutcome, ImportedActivity, PageCommit, Store, StreamEnd};

fn imported(activity: Activity) -> ImportedActivity {
    ImportedActivity {
        hash: hash(&Record::Activity(activity.clone())),
        activity,
    }
}

fn view(event_id: &str, user: &str) -> ImportedActivity {
    imported(Activity {
        event_id: event_id.into(),
        activity_type: "view".into(),
        occurred_at: at(1),
        user_id: Some(user.into()),
        content_public_id: None,
    })
}

async fn import(store: &dyn Store, rows: &[ImportedActivity]) -> (u64, u64, u64) {
    let done: ImportOutcome = store
        .import_activity(connection_id(1), rows, &operator(1))
        .await
        .expect("an import");
    (done.new, done.updated, done.unchanged)
}

async fn source(store: &dyn Store) -> Option<ActivitySource> {
    let connection = store.connection(connection_id(1)).await.expect("an answer");
    connection.expect("the connection").activity_source
}

/// Reads the stream to its end, and says what the run's ledger gives as the source.
async fn end_activity(store: &dyn Store, started: &Started, source: ActivitySource) -> ActivitySource {
    let end = PageCommit {
        end: Some(StreamEnd { at: at(50), source }),
        ..page(started.connection, Stream::Activity)
    };
    store.commit_page(&started.lease, &end).await.expect("the end");
    let run = run(store, started.lease.run_id).await;
    let of_activity = run.streams.iter().find(|found| found.stream == Stream::Activity);
    of_activity.expect("the stream").source
}

pub async fn imported_activity_is_stored_by_event_id(store: &dyn Store) {
    add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    assert_eq!(import(store, &[]).await, (0, 0, 0));
    assert_eq!(source(store).await, None, "nothing was imported");
    let Record::Activity(odd) = full(Stream::Activity, "3") else {
        panic!("an activity");
    };
    let rows = [view("1", "a"), view("2", "a"), imported(odd.clone())];
    assert_eq!(import(store, &rows).await, (3, 0, 0));
    assert_eq!(
        import(store, &[view("1", "a"), view("2", "b"), view("4", "a")]).await,
        (1, 1, 1)
    );
    assert_eq!(source(store).await, Some(ActivitySource::Import));

    let kept = stored(store, connection_id(1), Stream::Activity).await;
    assert_eq!(kept.len(), 4);
    assert_eq!(kept[1], Record::Activity(view("2", "b").activity));
    assert_eq!(kept[2], Record::Activity(odd));
    assert_eq!(stored(store, other, Stream::Activity).await, []);
}

pub async fn imported_activity_is_counted(store: &dyn Store) {
    add_connection(store, 1).await;
    import(store, &[view("1", "a"), view("2", "a")]).await;
    import(store, &[view("2", "b"), view("3", "a")]).await;
    let overview = store.overview(at(0)).await.expect("an overview");
    assert_eq!(overview[0].counts.activity, 3);
    assert_eq!(
        store.rebuild_due_trends(connection_id(1)).await.expect("trends"),
        1
    );
    let trends = exported(store, Object::Trends, None, None, 10).await;
    assert_eq!(
        (&trends[0]["kind"], &trends[0]["count"]),
        (&"view".into(), &3.into())
    );
}

pub async fn an_import_is_the_source_where_the_api_is_none(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    import(store, &[view("1", "a")]).await;
    let lease = start_run(store, 1, connection, 0).await;
    let started = Started { connection, lease };
    let of_run = end_activity(store, &started, ActivitySource::None).await;
    assert_eq!(of_run, ActivitySource::Import);
    assert_eq!(source(store).await, Some(ActivitySource::Import));

    let of_run = end_activity(store, &started, ActivitySource::Api).await;
    assert_eq!(of_run, ActivitySource::Api);
    import(store, &[view("2", "a")]).await;
    assert_eq!(source(store).await, Some(ActivitySource::Api));
}
