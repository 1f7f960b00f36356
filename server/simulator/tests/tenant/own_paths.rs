//! What the simulator itself answers, and how it serves.

use crate::client::{block_on, own_path, simulator};
use simulator::Truth;

#[test]
fn the_truth_is_told_to_this_machine_only() {
    let simulator = simulator(&["acme-en:broken=40"]);
    let router = simulator.router();
    for (peer, status) in [
        (Some("127.0.0.1:1"), 200),
        (Some("[::1]:1"), 200),
        (Some("[::ffff:127.0.0.1]:1"), 200),
        (Some("192.0.2.1:1"), 403),
        (None, 403),
    ] {
        assert_eq!(
            own_path(&router, "GET", "/__truth/acme-en", peer).status,
            status,
            "{peer:?}"
        );
    }
    let told = own_path(&router, "GET", "/__truth/acme-en", Some("127.0.0.1:1"));
    let told: Truth = serde_json::from_slice(&told.bytes).unwrap();
    assert_eq!(Some(&told), simulator.truth("acme-en").as_ref());
    assert_eq!(
        own_path(&router, "GET", "/__truth/none", Some("127.0.0.1:1")).status,
        404
    );
}

#[test]
fn a_real_socket_is_served_until_shutdown() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    block_on(async {
        let simulator = simulator(&["acme-en"]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or_default() };
            simulator.serve(listener, shutdown).await
        });
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /__truth/acme-en HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""tenant_id":"acme-en""#),
            "{answer}"
        );
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    });
}
