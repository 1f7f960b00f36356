//! Every page against the tests' fake backend, without a database: `cargo run -p app --example gallery --features ssr`.
//! With a site folder as built by `cargo leptos build`, the pages are styled and come alive.

#[path = "../tests/fake/mod.rs"]
mod fake;

use std::{net::SocketAddr, sync::Arc};

use app::{App, backend::Backend, shell};
use axum::{Router, serve::ListenerExt};
use fake::Fake;
use leptos::{config::LeptosOptions, context::provide_context};
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};
use tokio::net::TcpListener;

const FIRST_PORT: u16 = 3100;
const FAKES: [Fake; 5] = [Fake::Busy, Fake::Empty, Fake::New, Fake::Broken, Fake::Usual];

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut servers = Vec::new();
    for (port, fake) in (FIRST_PORT..).zip(FAKES) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // Small chunks must not wait for acknowledgements.
        let listener = TcpListener::bind(address).await?.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        println!("{fake:?}: http://{address}/");
        servers.push(tokio::spawn(
            axum::serve(listener, router(fake).await).into_future(),
        ));
    }
    for server in servers {
        server.await??;
    }
    Ok(())
}

async fn router(fake: Fake) -> Router {
    let backend: Arc<dyn Backend> = fake.backend();
    let frame = backend.frame().await.unwrap_or_default();
    let context = move || {
        provide_context(Arc::clone(&backend));
        provide_context(frame.clone());
    };
    let options = LeptosOptions::builder()
        .output_name("tributary")
        .site_root("target/site")
        .build();
    let routes = generate_route_list(App);
    Router::new()
        .leptos_routes_with_context(&options, routes, context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context::<LeptosOptions, _>(
            context, shell,
        ))
        .with_state(options)
}
