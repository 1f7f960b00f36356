use std::{collections::BTreeMap, ops::Range};

use domain::{
    ConnectionId, Object, RunId, Stream,
    record::{InvalidReason, Record},
};
use serde_json::Value;

use super::{
    fixtures::{Started, add_connection, connection_id, invalid_record, page, page_of, started},
    records::{full, plain},
};
use crate::{Cell, ExportQuery, PageCommit, Store, fields};

/// Everything of an object, by field name, read in pages of the given size.
pub(super) async fn exported(
    store: &dyn Store,
    object: Object,
    connection: Option<ConnectionId>,
    run: Option<RunId>,
    limit: u32,
) -> Vec<BTreeMap<&'static str, Value>> {
    let query = ExportQuery {
        object,
        connection,
        run,
        companies: None,
        limit,
    };
    read_whole(store, &query).await
}

/// All pages of a query, by field name.
pub(super) async fn read_whole(store: &dyn Store, query: &ExportQuery) -> Vec<BTreeMap<&'static str, Value>> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = store.export_page(query, after.as_ref()).await.expect("a page");
        assert!(page.rows.len() <= query.limit as usize);
        rows.extend(page.rows.into_iter().map(|row| named(query.object, &row)));
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

fn named(object: Object, row: &[Cell]) -> BTreeMap<&'static str, Value> {
    let names = fields(object).iter().map(|field| field.name);
    assert_eq!(row.len(), names.len());
    let values = row.iter().map(|cell| serde_json::to_value(cell).expect("JSON"));
    names.zip(values).collect()
}

fn object_of(stream: Stream) -> Object {
    match stream {
        Stream::IdeaStatuses => Object::IdeaStatuses,
        Stream::Categories => Object::Categories,
        Stream::Users => Object::Users,
        Stream::Topics | Stream::Replies => Object::Content,
        Stream::Activity => Object::Activity,
    }
}

async fn commit(store: &dyn Store, started: &Started, stream: Stream, records: Vec<Record>) {
    let commit = page_of(started.connection, stream, records);
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

pub async fn exports_have_every_field_of_every_record(store: &dyn Store) {
    let started = started(store, 1).await;
    for stream in Stream::ALL {
        let records = vec![full(stream, "1"), plain(stream, "2 '\"👾\u{1}")];
        commit(store, &started, stream, records.clone()).await;
        let rows = exported(store, object_of(stream), None, None, 10).await;
        for record in &records {
            let expected = serde_json::to_value(record).expect("JSON");
            let expected = expected.as_object().expect("an object");
            let holds = |row: &&BTreeMap<&str, Value>| {
                expected
                    .iter()
                    .all(|(name, value)| row.get(name.as_str()) == Some(value))
            };
            let row = rows.iter().find(holds).expect("the record, every field of it");
            assert_eq!(row["tenant_id"], "tenant-1");
            assert_eq!(row["deleted_at"], Value::Null);
        }
    }
    let users = exported(store, Object::Users, None, None, 10).await;
    for name in ["person_external_id", "company_external_id", "match_rule"] {
        assert_eq!(users[0][name], Value::Null, "{name}");
    }
    assert_eq!(users[0]["match_status"], "unmatched");
}

pub async fn exports_are_paged_over_all_tenants_or_one(store: &dyn Store) {
    let keys = ["10", "9", "é", "B", "a"];
    let several = [started(store, 1).await, started(store, 2).await];
    add_connection(store, 3).await;
    for started in &several {
        for stream in Stream::ALL {
            let records = keys.map(|key| plain(stream, key)).to_vec();
            commit(store, started, stream, records).await;
        }
    }
    let objects = Object::ALL
        .into_iter()
        .filter(|object| !matches!(object, Object::Trends | Object::InvalidRecords));
    for object in objects {
        let per_tenant = keys.len() * if object == Object::Content { 2 } else { 1 };
        let all = exported(store, object, None, None, 1_000).await;
        assert_eq!(all.len(), 2 * per_tenant, "{object}");
        for limit in [1, 2, 5, 10] {
            assert_eq!(exported(store, object, None, None, limit).await, all, "{object}");
        }
        let one = exported(store, object, Some(connection_id(2)), None, 3).await;
        assert_eq!(one.len(), per_tenant, "{object}");
        assert!(one.iter().all(|row| row["tenant_id"] == "tenant-2"), "{object}");
        let none = exported(store, object, Some(connection_id(3)), None, 3).await;
        assert!(none.is_empty(), "{object}");
    }
}

async fn set_aside(store: &dyn Store, started: &Started, numbers: Range<u32>) {
    let records = numbers.map(|number| invalid_record(Stream::Users, InvalidReason::MissingId, number));
    let invalid: Vec<_> = records.collect();
    let commit = PageCommit {
        found: invalid.len() as u64,
        invalid,
        ..page(started.connection, Stream::Users)
    };
    store.commit_page(&started.lease, &commit).await.expect("a page");
}

pub async fn invalid_records_are_exported_by_run(store: &dyn Store) {
    let several = [started(store, 1).await, started(store, 2).await];
    set_aside(store, &several[0], 0..7).await;
    set_aside(store, &several[1], 100..107).await;
    let object = Object::InvalidRecords;
    let all = exported(store, object, None, None, 100).await;
    assert_eq!(all.len(), 14);
    assert_eq!(exported(store, object, None, None, 3).await, all);
    let expected = invalid_record(Stream::Users, InvalidReason::MissingId, 0);
    let run = several[0].lease.run_id;
    let of_run = exported(store, object, None, Some(run), 2).await;
    assert_eq!(of_run.len(), 7);
    let first = ["run_id", "stream", "reason", "name", "payload"].map(|name| of_run[0][name].clone());
    let expected = [
        run.to_string(),
        "users".into(),
        "missing_id".into(),
        expected.name,
        expected.payload,
    ];
    assert_eq!(first, expected.map(Value::from), "as it was served");
    let of_tenant = exported(store, object, Some(connection_id(2)), None, 2).await;
    assert_eq!(of_tenant.len(), 7);
    assert_eq!(of_tenant[0]["name"], "record 100");
    let of_neither = exported(store, object, Some(connection_id(2)), Some(run), 2).await;
    assert!(of_neither.is_empty());
}
