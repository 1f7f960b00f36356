//! Objects as files and streams.

use std::fs;

use serde_json::Value;

use crate::support::{Home, count, get, text};

const OBJECTS: [&str; 7] = [
    "users",
    "content",
    "activity",
    "trends",
    "categories",
    "idea-statuses",
    "invalid-records",
];

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect()
}

fn valid(truth: &Value, stream: &str) -> usize {
    usize::try_from(count(&truth["streams"][stream], "valid")).expect("a number")
}

#[test]
fn every_object_comes_out_whole_in_either_format() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=1203,topics=60,views=1210,broken=9", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let run = home.sync("customer-en").succeeded().json();
    let truth = get(address, "/__truth/customer-en").json();

    let export = |object: &str, format: &str| {
        let words = ["export", object, "--tenant", "customer-en", "--format", format];
        home.run(&words).succeeded().stdout
    };
    let users = lines(&export("users", "ndjson"));
    assert_eq!(users.len(), valid(&truth, "users"));
    assert_eq!(users[0]["tenant_id"], "customer-en");
    assert_eq!(users[0]["match_status"], "unmatched");
    let content = lines(&export("content", "ndjson"));
    assert_eq!(content.len(), valid(&truth, "topics") + valid(&truth, "replies"));
    assert!(content.iter().all(|row| row["deleted_at"].is_null()));
    assert_eq!(
        lines(&export("activity", "ndjson")).len(),
        valid(&truth, "activity")
    );

    let standing = |kind: &str| {
        let stands = |row: &&Value| row["kind"] == kind && row["trashed"] == false;
        content.iter().filter(stands).count() as u64
    };
    let trends = lines(&export("trends", "ndjson"));
    let counted = |kind: &str| -> u64 {
        let of_kind = trends.iter().filter(|row| row["kind"] == kind);
        of_kind.map(|row| count(row, "count")).sum()
    };
    assert_eq!(counted("topic"), standing("topic"), "counted when the sync ended");
    assert_eq!(counted("reply"), standing("reply"));
    assert_eq!(counted("view"), count(&truth["streams"]["activity"], "valid"));

    let words = [
        "export",
        "invalid-records",
        "--run",
        text(&run, &"id"),
        "--format",
        "ndjson",
    ];
    let invalid = lines(&home.run(&words).succeeded().stdout);
    assert!(!invalid.is_empty());
    let payload: Value = serde_json::from_str(text(&invalid[0], &"payload")).expect("as it was served");
    assert!(payload.is_object());

    for object in OBJECTS {
        let csv = export(object, "csv");
        assert!(csv.starts_with("tenant_id,"), "{csv}");
        let file = format!("{object}.parquet");
        let words = ["export", object, "--format", "parquet", "--output", &file];
        home.run(&words).succeeded();
        let file = fs::read(home.path(&file)).expect("the file");
        assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"), "{object}");
        let document = home.run(&["export", object, "--json"]).succeeded().json();
        let rows = document.as_array().expect("an array").len();
        assert_eq!(rows, lines(&export(object, "ndjson")).len(), "{object}");
    }
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    fs::write(home.path("users.csv"), "of yesterday").expect("written");
    let done = home
        .run(&["export", "users", "--output", "users.csv"])
        .succeeded();
    assert_eq!(done.stdout, "", "nothing beside the file");
    done.says(&["0 rows of users are in users.csv"]);
    let written = fs::read_to_string(home.path("users.csv")).expect("the file");
    assert!(written.starts_with("tenant_id,community_user_id,"), "{written}");

    let elsewhere = ["export", "users", "--output", "no/such/folder/users.csv"];
    home.run(&elsewhere).ended(1).says(&["no/such/folder", "next:"]);
    let folder = home.run(&["export", "users", "--output", "data"]);
    folder.ended(1).says(&["data", "next:"]);
    let left = fs::read_dir(home.path(".")).expect("the folder");
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(
        left.len(),
        4,
        "data, password.txt, secret.txt, users.csv: {left:?}"
    );
}

#[test]
fn what_cannot_be_exported_is_said() {
    let home = Home::new();
    home.connect("customer-en", "http://127.0.0.1:1");
    home.run(&["export", "people"])
        .ended(2)
        .says(&["people", "idea-statuses"]);
    home.run(&["export", "users", "--format", "excel"])
        .ended(2)
        .says(&["excel", "parquet"]);
    home.run(&["export", "users", "--tenant", "customer-fr"])
        .ended(1)
        .says(&["customer-fr", "next:"]);
    let run = "01900000-0000-7000-8000-000000000000";
    home.run(&["export", "users", "--run", run])
        .ended(2)
        .says(&["--run", "next:"]);
    home.run(&["export", "invalid-records", "--run", run])
        .ended(1)
        .says(&[run, "next:"]);
}
