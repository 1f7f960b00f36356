//! REST and metrics: what programs read and ask for.

use std::{collections::BTreeSet, net::SocketAddr};

use serde_json::Value;

use crate::support::{Answer, Home, Running, count, get, request, send, streams, text, wait_for};

fn synced() -> (Home, Running, Value) {
    let home = Home::new();
    let (simulator, tenants) = home.simulate("customer-en:users=30,topics=5,views=10,broken=3", &[]);
    home.connect("customer-en", &format!("http://{tenants}"));
    let run = home.sync("customer-en").succeeded().json();
    (home, simulator, run)
}

fn serve(home: &Home) -> (Running, SocketAddr) {
    home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"])
}

fn post(address: SocketAddr, path: &str) -> Answer {
    request(address, "POST", path, &[])
}

/// Members that a first run stored.
fn valid_users(run: &Value) -> u64 {
    let users = streams(run).iter().find(|stream| stream["stream"] == "users");
    count(users.expect("members"), "new")
}

/// Each problem says what happened, whose turn it is and what to do.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16, cause: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(
        answer.head.contains("content-type: application/problem+json"),
        "{}",
        answer.head
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["cause"], cause, "{problem}");
    for field in ["type", "title", "detail", "owner", "next_action"] {
        assert!(!text(&problem, &field).is_empty(), "{problem}");
    }
}

/// All pages of a list, each of so many rows.
fn all(address: SocketAddr, path: &str, limit: usize) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(address, &format!("{path}{sign}limit={limit}{cursor}"));
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        let rows = page["items"].as_array().expect("items");
        assert!(rows.len() <= limit);
        items.extend(rows.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[test]
fn what_is_read_page_by_page_is_what_an_export_holds() {
    let (home, _simulator, run) = synced();
    let (_console, address) = serve(&home);
    for object in [
        "users",
        "content",
        "activity",
        "trends",
        "categories",
        "idea-statuses",
        "invalid-records",
    ] {
        let exported = home.run(&["export", object, "--json"]).succeeded().json();
        let exported = exported.as_array().expect("rows");
        assert!(!exported.is_empty(), "{object}");
        assert_eq!(
            &all(address, &format!("/api/v1/{object}"), 7),
            exported,
            "{object}"
        );
        let of_tenant = format!("/api/v1/{object}?tenant_id=customer-en");
        assert_eq!(&all(address, &of_tenant, 1000), exported, "{object}");
    }
    let set_aside = format!("/api/v1/runs/{}/invalid-records", text(&run, &"id"));
    let invalid = home.run(&["export", "invalid-records", "--json"]).json();
    assert_eq!(&all(address, &set_aside, 2), invalid.as_array().expect("rows"));
}

#[test]
fn runs_and_connections_are_told_as_by_the_command_line() {
    let (home, _simulator, run) = synced();
    home.sync("customer-en").succeeded();
    let (_console, address) = serve(&home);
    let id = text(&run, &"id");
    assert_eq!(get(address, &format!("/api/v1/runs/{id}")).json(), run);
    assert_eq!(all(address, "/api/v1/runs", 1), home.runs());
    assert_eq!(
        all(address, "/api/v1/runs?tenant_id=customer-en", 10),
        home.runs()
    );
    let listed = home.run(&["connection", "list", "--json"]).json();
    let told = all(address, "/api/v1/connections", 10);
    let (listed, told) = (
        listed[0].as_object().expect("one"),
        told[0].as_object().expect("one"),
    );
    for (field, value) in listed {
        assert_eq!(told.get(field), Some(value), "{field}");
    }
    assert_eq!(told["failures_in_a_row"], 0);
    assert_eq!(told["counts"]["users"], valid_users(&run));
}

#[test]
fn a_sync_is_asked_for_stopped_and_refused() {
    let (home, _simulator, _) = synced();
    let (_console, address) = serve(&home);
    let on_tenant = |action: &str| format!("/api/v1/connections/customer-en/{action}");
    let asked = post(address, &on_tenant("sync"));
    assert_eq!(asked.status, 202, "{asked:?}");
    let run = asked.json();
    assert_eq!(
        (text(&run, &"state"), text(&run, &"trigger")),
        ("queued", "manual")
    );
    assert_eq!(run["queue"]["place"], 1);
    assert_problem(&post(address, &on_tenant("sync")), 409, "refused");

    let cancel = format!("/api/v1/runs/{}/cancel", text(&run, &"id"));
    let cancelled = post(address, &cancel);
    assert_eq!(cancelled.status, 202, "{cancelled:?}");
    assert_eq!(cancelled.json()["state"], "cancelled");
    assert_problem(&post(address, &cancel), 409, "refused");

    assert_eq!(post(address, &on_tenant("deactivate")).json()["active"], false);
    assert_problem(&post(address, &on_tenant("sync")), 409, "refused");
    assert_eq!(post(address, &on_tenant("activate")).json()["active"], true);
}

#[test]
fn what_cannot_be_answered_is_a_problem() {
    let (home, _simulator, _) = synced();
    let (_console, address) = serve(&home);
    let next = get(address, "/api/v1/users?limit=1").json();
    let cursor = text(&next, &"next");
    for (path, status, cause) in [
        ("/api/v1/nothing".to_owned(), 404, "not_found"),
        ("/api/v1/runs/1".to_owned(), 404, "not_found"),
        (
            "/api/v1/runs/01a20b60-8e7f-7503-a4b7-724f4e449336".to_owned(),
            404,
            "not_found",
        ),
        ("/api/v1/connections/nobody".to_owned(), 404, "not_found"),
        ("/api/v1/users?tenant_id=nobody".to_owned(), 404, "not_found"),
        ("/api/v1/users?limit=0".to_owned(), 400, "malformed"),
        ("/api/v1/users?limit=1001".to_owned(), 400, "malformed"),
        ("/api/v1/users?limit=x".to_owned(), 400, "malformed"),
        ("/api/v1/users?unknown=1".to_owned(), 400, "malformed"),
        ("/api/v1/users?cursor=x".to_owned(), 400, "malformed"),
        (format!("/api/v1/content?cursor={cursor}"), 400, "malformed"),
        (
            format!("/api/v1/users?tenant_id=customer-en&cursor={cursor}"),
            400,
            "malformed",
        ),
        ("/api/v1/runs?cursor=x".to_owned(), 400, "malformed"),
    ] {
        assert_problem(&get(address, &path), status, cause);
    }
    assert_problem(
        &request(address, "DELETE", "/api/v1/users", &[]),
        405,
        "method_not_allowed",
    );
    let far = [("origin", "https://evil.example")];
    let sync = "/api/v1/connections/customer-en/sync";
    assert_problem(&request(address, "POST", sync, &far), 403, "forbidden");
    let host = [("host", "evil.example")];
    assert_problem(
        &request(address, "GET", "/api/v1/users", &host),
        421,
        "misdirected",
    );
}

#[test]
fn neither_data_nor_figures_are_told_to_whoever_has_not_logged_in() {
    let (home, _simulator, _) = synced();
    let (_console, address) = serve(&home);
    // A proxy on the same machine makes nobody anybody.
    let nobody = ("cookie", "");
    for headers in [&[nobody][..], &[nobody, ("x-forwarded-for", "203.0.113.9")]] {
        for path in [
            "/api/v1/users",
            "/api/v1/nothing",
            "/api/openapi.json",
            "/metrics",
        ] {
            let refused = request(address, "GET", path, headers);
            assert_problem(&refused, 401, "unauthorized");
            assert!(
                refused.head.contains("www-authenticate: bearer"),
                "{}",
                refused.head
            );
        }
        let sync = "/api/v1/connections/customer-en/sync";
        assert_problem(&request(address, "POST", sync, headers), 401, "unauthorized");
    }
    assert_eq!(home.runs().len(), 1);
}

/// The names of what a document holds, and those that its description promises.
#[track_caller]
fn assert_described(document: &Value, description: &Value, schema: &str) {
    let names =
        |of: &Value| -> BTreeSet<String> { of.as_object().expect("an object").keys().cloned().collect() };
    let promised = names(&description["components"]["schemas"][schema]["properties"]);
    assert_eq!(names(document), promised, "{schema}");
}

/// One of each is there afterwards.
fn parties_are_described(address: SocketAddr, description: &Value) {
    for (path, row, schema) in [
        ("companies", r#"[{"external_id":"X-1","name":"One"}]"#, "Company"),
        ("persons", r#"[{"external_id":"X-1"}]"#, "Person"),
    ] {
        let imported = send_rows(address, path, JSON, row);
        assert_described(&imported.json(), description, "Imported");
        let one = get(address, &format!("/api/v1/{path}/X-1")).json();
        assert_described(&one, description, schema);
    }
}

#[test]
fn the_description_is_true() {
    let (home, _simulator, run) = synced();
    let (_console, address) = serve(&home);
    let description = get(address, "/api/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
    assert_described(&run, &description, "Run");
    assert_described(&run["streams"][0], &description, "RunStream");
    assert_described(
        &all(address, "/api/v1/connections", 9)[0],
        &description,
        "Connection",
    );
    for (path, schema) in [
        ("users", "CommunityUser"),
        ("content", "CommunityContent"),
        ("trends", "CommunityTrend"),
    ] {
        assert_described(
            &all(address, &format!("/api/v1/{path}"), 1000)[0],
            &description,
            schema,
        );
    }
    assert_described(&get(address, "/api/v1/nothing").json(), &description, "Problem");
    home.run(&[
        "connection",
        "rotate",
        "customer-en",
        "--client-secret-file",
        "secret.txt",
        "--base-url",
        "http://127.0.0.1:1",
    ])
    .succeeded();
    let failed = home.sync("customer-en").json();
    assert_described(&failed["cause"], &description, "Cause");

    parties_are_described(address, &description);

    // Each path that is described is there, and every operation has a name of its own.
    let mut operations = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        let path = path
            .replace("{tenant_id}", "customer-en")
            .replace("{external_id}", "X-1")
            .replace("{run_id}", text(&run, &"id"));
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(
                operations.insert(text(operation, &"operationId").to_owned()),
                "{operation}"
            );
            let answer = request(address, &method.to_uppercase(), &path, &[]);
            assert!(![404, 405].contains(&answer.status), "{method} {path} {answer:?}");
        }
    }
    assert_eq!(operations.len(), 22);
}

const JSON: &str = "application/json";

fn send_rows(address: SocketAddr, path: &str, kind: &str, body: &str) -> Answer {
    send(
        address,
        "POST",
        &format!("/api/v1/{path}"),
        &[("content-type", kind)],
        body,
    )
}

#[test]
fn companies_and_persons_are_imported_as_from_files() {
    let (home, _simulator, _) = synced();
    let (_console, address) = serve(&home);
    let rows = r#"[
        { "external_id": "C-1", "name": "One", "domains": ["one.example", "eins.example"] },
        { "external_id": "C-2", "name": "Two", "parent_external_id": "C-1" },
        { "external_id": "C-1", "name": "One", "parent_external_id": "C-2" },
        { "name": "Nobody" }
    ]"#;
    let tried = send_rows(address, "companies?dry_run=true", JSON, rows);
    assert_eq!(tried.status, 200, "{tried:?}");
    let tried = tried.json();
    assert_eq!((count(&tried, "new"), text(&tried, &"matching")), (2, "none"));
    assert_eq!(all(address, "/api/v1/companies", 10), [] as [Value; 0]);

    let imported = send_rows(address, "companies", JSON, rows).json();
    assert_eq!((count(&imported, "new"), count(&imported, "bad")), (2, 2));
    let bad: Vec<u64> = imported["bad_lines"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|line| count(line, "line"))
        .collect();
    assert_eq!((bad, text(&imported, &"matching")), (vec![3, 4], "done"));
    assert_eq!(
        count(&imported, "members_matched"),
        0,
        "no member has such a domain, and nobody else is compared"
    );
    let again = send_rows(address, "companies", JSON, rows).json();
    assert_eq!((count(&again, "new"), count(&again, "unchanged")), (0, 2));

    let persons = "external_id,email,first_name,last_name,phone,company_external_id,active\n\
                   P-1,ann@one.example,Ann,Lee,,C-1,\nP-2,bo@one.example,Bo,Lee,,C-1,maybe\n";
    let imported = send_rows(address, "persons", "text/csv; charset=utf-8", persons).json();
    assert_eq!((count(&imported, "new"), count(&imported, "bad")), (1, 1));
    assert_eq!(imported["bad_lines"][0]["line"], 3, "of a file's lines");

    let companies = all(address, "/api/v1/companies", 1);
    let ids: Vec<&str> = companies
        .iter()
        .map(|company| text(company, &"external_id"))
        .collect();
    assert_eq!(ids, ["C-1", "C-2"]);
    assert_eq!(
        companies[0]["domains"],
        serde_json::json!(["one.example", "eins.example"])
    );
    let person = get(address, "/api/v1/persons/P-1").json();
    assert_eq!(
        (text(&person, &"email"), &person["active"]),
        ("ann@one.example", &Value::Bool(true))
    );
}

#[test]
fn what_is_imported_is_in_the_trail_in_the_name_of_whoever_sent_it() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    let row = r#"[{ "external_id": "C-1", "name": "One" }]"#;
    assert_eq!(send_rows(address, "companies", JSON, row).status, 200);
    let trail = home
        .run(&["audit", "list", "--after", "0", "--json"])
        .succeeded()
        .json();
    let entries = trail.as_array().expect("entries");
    let imported = entries
        .iter()
        .find(|entry| text(entry, &"deed") == "companies_imported");
    assert_eq!(text(imported.expect("an entry"), &"actor"), "account");
}

#[test]
fn an_import_that_cannot_be_read_is_a_problem() {
    let home = Home::new();
    let (_console, address) = serve(&home);
    for (kind, body, status, cause) in [
        (JSON, "{", 400, "malformed"),
        (JSON, "{}", 400, "malformed"),
        ("text/csv", "name\nOne\n", 400, "malformed"),
        ("text/plain", "One", 415, "unsupported"),
    ] {
        assert_problem(&send_rows(address, "companies", kind, body), status, cause);
    }
    for (path, status, cause) in [
        ("/api/v1/companies/none", 404, "not_found"),
        ("/api/v1/persons/none", 404, "not_found"),
        ("/api/v1/companies?cursor=x", 400, "malformed"),
        ("/api/v1/companies?tenant_id=customer-en", 400, "malformed"),
    ] {
        assert_problem(&get(address, path), status, cause);
    }
    // Longer than any other request may be, and within what an import may be; then longer than that.
    let row = r#"{"external_id":"C-1","name":"One"},"#;
    let many = |bytes: usize| format!("[{}{}]", row.repeat(bytes / row.len()), row.trim_end_matches(','));
    let long = send_rows(address, "companies", JSON, &many(1 << 20));
    assert_eq!((long.status, count(&long.json(), "new")), (200, 1), "{long:?}");
    assert_problem(
        &send_rows(address, "companies", JSON, &many(9 << 20)),
        413,
        "too_large",
    );
}

#[test]
fn figures_tell_what_runs_did_and_what_this_process_answered() {
    let home = Home::new();
    let (_simulator, tenants) = home.simulate("customer-en:users=30,topics=5,views=10,broken=3", &[]);
    home.connect("customer-en", &format!("http://{tenants}"));
    let (_console, address) = home.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let run = wait_for("the first run", || {
        home.runs()
            .into_iter()
            .find(|run| run["state"] == "completed_with_invalid")
    });
    get(address, "/no/such/page");
    let answer = get(address, "/metrics");
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("content-type: text/plain; version=0.0.4"),
        "{}",
        answer.head
    );
    let requests = &run["requests"];
    for line in [
        "tributary_runs_last_day{state=\"completed_with_invalid\"} 1".to_owned(),
        format!(
            "tributary_records_last_day{{stream=\"users\",outcome=\"new\"}} {}",
            valid_users(&run)
        ),
        format!("tributary_provider_requests_total{{tenant_id=\"customer-en\"}} {requests}"),
        format!("tributary_run_requests_last_day {requests}"),
        "tributary_queue_length 0".to_owned(),
        "tributary_connection_failures_in_a_row{tenant_id=\"customer-en\"} 0".to_owned(),
        "tributary_connection_last_success_timestamp_seconds{tenant_id=\"customer-en\"} ".to_owned(),
        "tributary_http_requests_total{kind=\"page\",status=\"404\"} 1".to_owned(),
        "tributary_process_resident_memory_bytes ".to_owned(),
        "tributary_database_connections{pool=\"readers\"} ".to_owned(),
    ] {
        assert!(answer.body.contains(&line), "no {line} in:\n{}", answer.body);
    }
}
