//! The same installation on PostgreSQL, with the real binary.

use store_postgres::testing::TestDatabase;

use crate::support::{Home, text};

/// An installation on an empty database of its own.
struct OnServer {
    home: Home,
    _database: TestDatabase,
}

fn on_server() -> Option<OnServer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let database = runtime.expect("a runtime").block_on(TestDatabase::empty())?;
    let home = Home::new()
        .with("TRIBUTARY_DATABASE_URL", database.url())
        .with("TRIBUTARY_SECRET_KEY_FILE", "secret.key");
    Some(OnServer {
        home,
        _database: database,
    })
}

#[test]
fn an_installation_on_a_server_is_migrated_once_and_then_works_as_on_a_file() {
    let Some(OnServer { home, _database }) = on_server() else {
        return;
    };
    home.run(&["runs"])
        .ended(2)
        .says(&["has no tables", "tributary migrate", "next:"]);
    home.run(&["migrate"]).succeeded();
    home.run(&["migrate"]).succeeded();

    let (_simulator, address) = home.simulate("customer-en:users=120,topics=30,views=200,broken=3", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let run = home.sync("customer-en").succeeded().json();
    assert_eq!(run["state"], "completed_with_invalid");
    let shown = home
        .run(&["run", "show", text(&run, &"id"), "--json"])
        .succeeded()
        .json();
    assert_eq!(shown, run);
    let users = home.run(&["export", "users", "--format", "ndjson"]).succeeded();
    let of_run = run["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .find(|of| of["stream"] == "users");
    assert_eq!(of_run.expect("users")["new"], users.stdout.lines().count());

    let again = home.sync("customer-en").succeeded().json();
    let users = again["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .find(|of| of["stream"] == "users");
    assert_eq!(users.expect("users")["new"], 0);
    let doctor = home.run(&["doctor"]);
    assert!(
        doctor.stdout.contains("answers and is of this version"),
        "{doctor:?}"
    );
}
