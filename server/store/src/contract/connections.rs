use domain::{Connection, RunState};

use super::{
    accounts::operator,
    fixtures::{
        add_connection, at, connection_id, enqueue, finish_as, new_connection, new_run, page, renewal, run,
        run_id, sealed_secret, started,
    },
};
use crate::{Access, AddConnectionError, Enqueued, LeaseState, NewConnection, Store};

pub async fn connections_are_listed_by_tenant_as_they_were_added(store: &dyn Store) {
    assert_eq!(store.connections().await.expect("an answer"), []);
    for number in [2, 1, 3] {
        add_connection(store, number).await;
    }
    let expected: Vec<Connection> = [1, 2, 3].map(|number| new_connection(number).connection).into();
    assert_eq!(store.connections().await.expect("an answer"), expected);
    let second = &expected[1];
    let by_id = store.connection(second.id).await.expect("an answer");
    assert_eq!(by_id.as_ref(), Some(second));
    let by_tenant = store
        .connection_of_tenant(&second.tenant_id)
        .await
        .expect("an answer");
    assert_eq!(by_tenant.as_ref(), Some(second));
    assert!(
        store
            .connection(connection_id(9))
            .await
            .expect("an answer")
            .is_none()
    );
    let nobody = "tenant-9".parse().expect("a tenant id");
    assert!(
        store
            .connection_of_tenant(&nobody)
            .await
            .expect("an answer")
            .is_none()
    );
}

pub async fn a_second_connection_of_a_tenant_is_refused(store: &dyn Store) {
    add_connection(store, 1).await;
    let mut second = new_connection(2);
    second.connection.tenant_id = new_connection(1).connection.tenant_id;
    let refused = store.add_connection(&second, &operator(1)).await;
    assert!(
        matches!(&refused, Err(AddConnectionError::TenantExists(tenant)) if tenant.as_str() == "tenant-1"),
        "{refused:?}"
    );
    assert_unchanged_by(store, &second).await;
}

pub async fn the_same_client_on_the_same_host_is_refused(store: &dyn Store) {
    add_connection(store, 1).await;
    let with = |base_url: &str| {
        let mut second = new_connection(2);
        second.connection.client_id = "client-1".into();
        second.connection.base_url = base_url.parse().expect("a base URL");
        second
    };
    for same_host in [
        "https://api.example/other/path",
        "https://API.example:443/",
        "https://api.example",
    ] {
        let second = with(same_host);
        let refused = store.add_connection(&second, &operator(1)).await;
        assert!(
            matches!(&refused, Err(AddConnectionError::ClientIdInUse(tenant)) if tenant.as_str() == "tenant-1"),
            "{same_host}: {refused:?}"
        );
        assert_unchanged_by(store, &second).await;
    }
    let other_port = with("https://api.example:8443/");
    store
        .add_connection(&other_port, &operator(1))
        .await
        .expect("another port is another host");
    let mut other_host = with("https://api2.example/");
    other_host.connection.id = connection_id(3);
    other_host.connection.tenant_id = "tenant-3".parse().expect("a tenant id");
    store
        .add_connection(&other_host, &operator(1))
        .await
        .expect("another host");
}

async fn assert_unchanged_by(store: &dyn Store, refused: &NewConnection) {
    let connections = store.connections().await.expect("an answer");
    assert_eq!(connections, [new_connection(1).connection]);
    assert_eq!(sealed_secret(store, refused.connection.id).await, None);
}

pub async fn access_is_replaced_for_its_connection_only(store: &dyn Store) {
    let (first, second) = (add_connection(store, 1).await, add_connection(store, 2).await);
    let untouched = store.connection(second).await.expect("an answer");
    let access = Access {
        base_url: "https://other.example:8443/api".parse().expect("a base URL"),
        client_id: "client anew".into(),
        sealed_secret: "sealed anew".into(),
    };
    store
        .replace_access(first, &access, &operator(2))
        .await
        .expect("a new access");
    let changed = store
        .connection(first)
        .await
        .expect("an answer")
        .expect("the connection");
    assert_eq!(
        (&changed.base_url, &changed.client_id),
        (&access.base_url, &access.client_id)
    );
    let secret = |id| sealed_secret(store, id);
    assert_eq!(secret(first).await.as_deref(), Some("sealed anew"));
    assert_eq!(secret(second).await.as_deref(), Some("sealed-2"));
    assert_eq!(secret(connection_id(9)).await, None);
    assert_eq!(store.connection(second).await.expect("an answer"), untouched);
}

pub async fn the_access_of_another_connection_is_refused(store: &dyn Store) {
    let (first, second) = (add_connection(store, 1).await, add_connection(store, 2).await);
    let before = store.connection(first).await.expect("an answer");
    let taken = store
        .connection(second)
        .await
        .expect("an answer")
        .expect("the connection");
    let access = Access {
        base_url: taken.base_url,
        client_id: taken.client_id,
        sealed_secret: "sealed anew".into(),
    };
    let refused = store.replace_access(first, &access, &operator(2)).await;
    assert!(
        matches!(&refused, Err(AddConnectionError::ClientIdInUse(tenant)) if *tenant == taken.tenant_id),
        "{refused:?}"
    );
    assert_eq!(store.connection(first).await.expect("an answer"), before);
    assert_eq!(sealed_secret(store, first).await.as_deref(), Some("sealed-1"));
}

pub async fn deactivating_cancels_a_queued_run(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let queued = enqueue(store, 1, connection, 0).await;
    let other = add_connection(store, 2).await;
    let untouched = enqueue(store, 2, other, 0).await;
    store
        .deactivate(connection, &operator(5))
        .await
        .expect("deactivated");

    let cancelled = run(store, queued).await;
    assert_eq!(cancelled.state, RunState::Cancelled);
    assert_eq!(cancelled.finished_at, Some(at(5)));
    assert_eq!(run(store, untouched).await.state, RunState::Queued);
    let refused = store
        .enqueue(&new_run(3, connection, at(6)), None)
        .await
        .expect("an answer");
    assert_eq!(refused, Enqueued::Deactivated);
    assert!(store.run(run_id(3)).await.expect("an answer").is_none());

    store.activate(connection, &operator(9)).await.expect("activated");
    enqueue(store, 3, connection, 7).await;
}

pub async fn deactivating_asks_a_running_run_to_stop(store: &dyn Store) {
    let started = started(store, 1).await;
    let before = store
        .commit_page(
            &started.lease,
            &page(started.connection, domain::Stream::IdeaStatuses),
        )
        .await;
    assert!(!before.expect("a page").stop_requested);
    store
        .deactivate(started.connection, &operator(5))
        .await
        .expect("deactivated");

    assert_eq!(
        run(store, started.lease.run_id).await.state,
        RunState::Running,
        "it stops by itself"
    );
    let renewed = store.renew_lease(&started.lease, &renewal(6)).await;
    assert_eq!(renewed.expect("an answer").state, LeaseState::StopRequested);
    let committed = store
        .commit_page(
            &started.lease,
            &page(started.connection, domain::Stream::IdeaStatuses),
        )
        .await;
    assert!(committed.expect("a page").stop_requested);
    let over = store
        .finish(&started.lease, &finish_as(RunState::Cancelled, 7))
        .await
        .expect("an end");
    assert_eq!(over.state, RunState::Cancelled);
}

pub async fn deactivating_without_a_run_keeps_the_first_time(store: &dyn Store) {
    let connection = add_connection(store, 1).await;
    let other = add_connection(store, 2).await;
    for seconds in [5, 6] {
        store
            .deactivate(connection, &operator(seconds))
            .await
            .expect("deactivated");
    }
    let deactivated_at = |id| async move {
        let connection = store.connection(id).await.expect("an answer");
        connection.expect("the connection").deactivated_at
    };
    assert_eq!(deactivated_at(connection).await, Some(at(5)));
    assert_eq!(deactivated_at(other).await, None);
    for _ in 0..2 {
        store.activate(connection, &operator(9)).await.expect("activated");
        assert_eq!(deactivated_at(connection).await, None);
    }
}
