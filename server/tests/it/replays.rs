//! What is stored, read anew without the provider.

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Home, count, holds, streams, text, wait_for};

/// Far fewer than the members, so that most of them are stored.
const TENANT: &str = "customer-de:users=150,topics=40,views=30,broken=16";

fn database(home: &Home) -> Connection {
    Connection::open(home.path("data/tributary.db")).expect("the database")
}

fn export(home: &Home, object: &str) -> Vec<Value> {
    let words = ["export", object, "--json"];
    let rows = home.run(&words).succeeded().json();
    rows.as_array().expect("an array").clone()
}

fn map(home: &Home, more: &[&str]) -> Value {
    let words = ["connection", "map", "customer-de", "--json"];
    home.run(&[&words, more].concat()).succeeded().json()
}

/// A full sync, which reads every member again.
fn full_sync(home: &Home) -> Value {
    home.run(&["sync", "customer-de", "--full", "--json"])
        .succeeded()
        .json()
}

fn users_of(run: &Value) -> &Value {
    let users = streams(run).iter().find(|stream| stream["stream"] == "users");
    users.expect("the stream")
}

#[test]
fn a_changed_mapping_reaches_the_stored_members_without_the_provider() {
    let home = Home::new();
    let (simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-de", &format!("http://{address}"));
    home.sync("customer-de").succeeded();
    let first = export(&home, "users");
    let shown = map(&home, &[]);
    assert!(shown["read_anew"].is_null(), "looking changes nothing");
    let fields = shown["profile_fields"].as_array().expect("an array");
    let company = fields.iter().find(|field| field["fills"] == "company");
    let company = text(company.expect("a company field"), &"name").to_owned();

    let mapped = map(&home, &["--department", &company]);
    let members = &mapped["read_anew"]["members"];
    assert_eq!(count(members, "read"), first.len() as u64);
    assert!(count(members, "changed") > 0);
    assert_eq!(mapped["columns"][4]["column"], "department");
    assert_eq!(mapped["columns"][4]["chosen"][0], company.as_str());
    let users = export(&home, "users");
    for user in &users {
        let fields = [company.as_str(), "Abteilung"].map(|name| &user["profile_fields"][name]);
        let filled = |field: &&Value| field.as_str().is_some_and(|typed| !typed.trim().is_empty());
        let expected = fields.into_iter().find(filled).unwrap_or(&Value::Null);
        assert_eq!(&user["department"], expected, "{user}");
        assert!(
            user["company_custom"].is_null(),
            "one field fills one column: {user}"
        );
    }
    let run = full_sync(&home);
    let counts = ["new", "updated", "unchanged"].map(|column| count(users_of(&run), column));
    assert_eq!(counts, [0, 0, first.len() as u64]);

    // The provider is not asked.
    drop(simulator);
    let reset = map(&home, &["--reset"]);
    assert_eq!(reset["columns"][4]["chosen"].as_array().map(Vec::len), Some(0));
    assert_eq!(export(&home, "users"), first);
}

#[test]
fn a_mapping_that_cannot_be_meant_is_refused() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-de", &format!("http://{address}"));
    home.sync("customer-de").succeeded();
    let map = |more: &[&str]| home.run(&[&["connection", "map", "customer-de"], more].concat());
    map(&["--phone", " - "]).ended(2).says(&[" - ", "next:"]);
    map(&["--phone", "Rolle", "--title", "rolle"])
        .ended(2)
        .says(&["rolle", "phone", "title", "next:"]);
    let mistyped = map(&["--phone", "Telefom"]).succeeded();
    assert!(mistyped.stdout.contains("Telefom, Phone,"), "{}", mistyped.stdout);
    mistyped.says(&["Telefom"]);
    let moved = map(&["--title", "Telefom", "--phone", "Telefon;Mobil"]).succeeded();
    assert!(
        moved.stdout.contains("Telefon, Mobil, Phone,"),
        "{}",
        moved.stdout
    );
    home.run(&["connection", "map", "customer-fr"])
        .ended(1)
        .says(&["customer-fr", "next:"]);
}

/// As if this version could read what the one before could not: the times that were kept are readable now.
fn mend_times(home: &Home) -> u64 {
    let mended = database(home)
        .execute(
            "UPDATE invalid_record SET payload = replace(payload, '\"0000-00-00\"', '\"2026-01-02T03:04:05+00:00\"')
             WHERE payload LIKE '%\"0000-00-00\"%' AND reason = 'unreadable_time' AND repaired_at IS NULL",
            [],
        )
        .expect("mended");
    mended as u64
}

#[test]
fn records_that_can_be_read_now_are_stored_and_their_run_stays_as_it_was() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-de", &format!("http://{address}"));
    let run = home.sync("customer-de").succeeded().json();
    let id = text(&run, &"id").to_owned();
    let before = rows(&home);
    let nothing = home.run(&["replay", "--json"]).succeeded().json();
    let aside = count(&nothing[0]["records"], "tried");
    assert!(aside > 0);
    assert_eq!(count(&nothing[0]["records"], "still_invalid"), aside);

    let mended = mend_times(&home);
    let replayed = home.run(&["replay", "--run", &id, "--json"]).succeeded().json();
    let records = &replayed["records"];
    assert_eq!(count(records, "stored"), mended);
    assert_eq!(count(records, "still_invalid"), aside - mended);
    assert_eq!(rows(&home), before + mended);
    let after = home.run(&["run", "show", &id, "--json"]).succeeded().json();
    assert_eq!(after, run, "the ledger is history");
    let listed = export(&home, "invalid-records");
    let repaired = listed.iter().filter(|record| !record["repaired_at"].is_null());
    assert_eq!(repaired.count() as u64, mended);
    let again = home.run(&["replay", "customer-de"]).succeeded();
    assert!(again.stdout.contains(" 0 repaired"), "{}", again.stdout);
    home.run(&["replay", "customer-fr"]).ended(1).says(&["next:"]);
}

/// Members, content and activity that are stored.
fn rows(home: &Home) -> u64 {
    let objects = ["users", "content", "activity"];
    objects
        .iter()
        .map(|object| export(home, object).len() as u64)
        .sum()
}

fn repaired(home: &Home) -> u64 {
    let sql = "SELECT COUNT(*) FROM invalid_record WHERE repaired_at IS NOT NULL";
    let counted = database(home).query_row(sql, [], |row| row.get::<_, i64>(0));
    counted.expect("a count").unsigned_abs()
}

#[test]
fn a_record_that_the_provider_goes_on_serving_broken_is_not_doubled() {
    let home = Home::new();
    let (_simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-de", &format!("http://{address}"));
    let first = home.sync("customer-de").succeeded().json();
    let mended = mend_times(&home);
    home.run(&["replay", "customer-de"]).succeeded();
    let before = export(&home, "users");

    let second = full_sync(&home);
    let (users, earlier) = (users_of(&second), users_of(&first));
    assert_eq!(
        count(users, "invalid"),
        count(earlier, "invalid"),
        "set aside again"
    );
    assert_eq!(
        (
            count(users, "new"),
            count(users, "updated"),
            count(users, "deleted")
        ),
        (0, 0, 0)
    );
    assert_eq!(export(&home, "users"), before);
    // Of the second run nothing is repaired; its payloads are broken as ever.
    let id = text(&second, &"id");
    let listed = export(&home, "invalid-records");
    let of_second = listed.iter().filter(|record| record["run_id"] == id);
    assert!(of_second.clone().all(|record| record["repaired_at"].is_null()));
    assert!(of_second.count() as u64 >= mended);
}

#[test]
fn after_an_upgrade_a_worker_replays_by_itself() {
    let home = Home::new();
    let (simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-de", &format!("http://{address}"));
    home.sync("customer-de").succeeded();
    drop(simulator);
    let mended = mend_times(&home);
    database(&home)
        .execute("UPDATE connection SET replayed_decoder = 0", [])
        .expect("as an earlier version left it");
    let doctor = home.run(&["doctor"]).succeeded();
    assert!(doctor.stdout.contains("tributary replay"), "{}", doctor.stdout);
    let worker = home.start(&["worker"]);
    wait_for("the replay", || (repaired(&home) == mended).then_some(()));
    wait_for("the mark", || {
        let doctor = home.run(&["doctor"]).succeeded();
        (!holds(doctor.stdout.as_bytes(), "tributary replay")).then_some(())
    });
    worker.signal("TERM");
    worker.wait().0.succeeded();
}
