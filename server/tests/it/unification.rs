//! Members tied to companies: files in, rules tried, applied and taken back, and who belongs where said by hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Done, Home, PASSWORD, count, get, log_in, request, text};

const TENANT: &str = "customer-en:users=160,topics=5,views=5";

const COMPANIES: &str = "external_id,name,domains,parent_external_id\n";
const PERSONS: &str = "external_id,email,first_name,last_name,phone,company_external_id,active\n";

fn write(home: &Home, name: &str, content: &str) -> String {
    let path = home.path(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}

fn import(home: &Home, what: &str, content: &str) -> Done {
    let file = write(home, "import.csv", content);
    home.run(&[what, "import", &file, "--json"])
}

/// Members by id.
fn users(home: &Home) -> BTreeMap<String, Value> {
    let users = home.run(&["export", "users", "--json"]).succeeded().json();
    let users = users.as_array().expect("an array").clone();
    users
        .into_iter()
        .map(|user| (text(&user, &"community_user_id").to_owned(), user))
        .collect()
}

/// What each member is tied to, without the member's own fields.
fn ties(home: &Home) -> BTreeMap<String, [Value; 4]> {
    let names = [
        "match_status",
        "person_external_id",
        "company_external_id",
        "match_rule",
    ];
    let tie = |user: &Value| names.map(|name| user[name].clone());
    users(home)
        .iter()
        .map(|(id, user)| (id.clone(), tie(user)))
        .collect()
}

fn domain_of(user: &Value) -> Option<String> {
    let (_, domain) = user["email"].as_str()?.trim().rsplit_once('@')?;
    Some(domain.to_lowercase())
}

/// The domain of most members that is no free-mail provider's: those members are unmatched for it.
fn domain_of_most(home: &Home) -> String {
    let mut of: BTreeMap<String, usize> = BTreeMap::new();
    for (id, user) in users(home) {
        let Some(domain) = domain_of(&user) else { continue };
        let known = of.get(&domain).copied().unwrap_or_default();
        if known == 0 {
            let why = home.run(&["member", "why", "customer-en", &id, "--json"]);
            if why.succeeded().json()["match"]["why_not"] != "domain_unknown" {
                continue;
            }
        }
        of.insert(domain, known + 1);
    }
    let most = of.into_iter().max_by_key(|(_, members)| *members);
    most.expect("a domain").0
}

fn synced() -> (Home, crate::support::Running, Value) {
    let home = Home::new();
    let (simulator, address) = home.simulate(TENANT, &[]);
    home.connect("customer-en", &format!("http://{address}"));
    let run = home.run(&["sync", "customer-en", "--json"]).succeeded().json();
    (home, simulator, run)
}

fn of_domain(home: &Home, domain: &str) -> BTreeSet<String> {
    let users = users(home);
    let of = users
        .iter()
        .filter(|(_, user)| domain_of(user).as_deref() == Some(domain));
    of.map(|(id, _)| id.clone()).collect()
}

fn matched(home: &Home) -> BTreeSet<String> {
    let ties = ties(home);
    let matched = ties.iter().filter(|(_, tie)| tie[0] == "matched");
    matched.map(|(id, _)| id.clone()).collect()
}

#[test]
fn an_import_matches_what_it_touches_and_so_does_each_sync() {
    let (home, _simulator, run) = synced();
    let members = users(&home).len() as u64;
    assert_eq!(count(&run["matching"], "matched"), 0);
    assert_eq!(count(&run["matching"], "unmatched"), members);
    let domain = domain_of_most(&home);
    let wanted = of_domain(&home, &domain);

    let file = format!("{COMPANIES}C-1,\"Some, Inc.\",other.example;{domain},\n,Nameless,,\nC-2,Two,,C-2\n");
    let path = write(&home, "companies.csv", &file);
    let done = home
        .run(&["company", "import", &path, "--dry-run", "--json"])
        .ended(1);
    assert_eq!(
        (&done.json()["dry_run"], count(&done.json(), "new")),
        (&json!(true), 1)
    );
    assert!(matched(&home).is_empty(), "nothing was written");

    let done = import(&home, "company", &file)
        .ended(1)
        .says(&["line 3: external_id is missing", "its own parent"]);
    let imported = done.json();
    let counts =
        ["read", "new", "updated", "unchanged", "bad", "members_matched"].map(|name| count(&imported, name));
    // Of all members those alone were compared whom the company's domain touches.
    let touched = wanted.len() as u64;
    assert!(touched < members, "{touched} of {members}");
    assert_eq!(counts, [3, 1, 0, 0, 2, touched]);
    assert_eq!(matched(&home), wanted);
    let by_domain = [
        json!("matched"),
        Value::Null,
        json!("C-1"),
        json!("email-domain-to-company"),
    ];
    let tied = ties(&home);
    assert!(wanted.iter().all(|id| tied[id] == by_domain));
    let again = import(
        &home,
        "company",
        &format!("{COMPANIES}C-1,\"Some, Inc.\",other.example;{domain},\n"),
    );
    let again = again.succeeded().json();
    assert_eq!(
        (count(&again, "unchanged"), count(&again, "members_matched")),
        (1, 0)
    );

    let run = home
        .run(&["sync", "customer-en", "--full", "--json"])
        .succeeded()
        .json();
    assert_eq!(run["stage"], "trends");
    assert_eq!(count(&run["matching"], "matched"), wanted.len() as u64);
}

#[test]
fn a_person_ties_members_to_their_company_before_any_domain() {
    let (home, _simulator, _) = synced();
    import(&home, "company", &format!("{COMPANIES}C-1,One,,\n")).succeeded();
    let users = users(&home);
    let (id, user) = users
        .iter()
        .find(|(_, user)| domain_of(user).is_some())
        .expect("a member with an address");
    let email = text(user, &"email").to_uppercase();
    let imported = import(&home, "person", &format!("{PERSONS}P-1,{email},A,B,,C-1,\n"));
    assert_eq!(
        count(&imported.succeeded().json(), "members_matched"),
        1,
        "nobody else was compared"
    );
    let expected = [
        json!("matched"),
        json!("P-1"),
        json!("C-1"),
        json!("email-to-person"),
    ];
    assert_eq!(ties(&home)[id], expected);
}

#[test]
fn a_companys_users_and_posts_are_files_for_whoever_sees_its_page() {
    let (home, _simulator, _) = synced();
    let domain = domain_of_most(&home);
    let companies = format!("{COMPANIES}C-1,One,,\nC-2,Two,{domain},C-1\n");
    import(&home, "company", &companies).succeeded();
    let members = of_domain(&home, &domain);
    home.add_account("ben@company.example", "csm").succeeded();
    let (_console, address) = home.serve(&["serve", "--listen", "127.0.0.1:0", "--no-worker"]);

    let page = get(address, "/customers/company?id=C-1&with=subsidiaries");
    let told = format!("Export {} users, CSV", members.len());
    assert!(page.body.contains(&told), "{}", page.body);
    let users = get(
        address,
        "/customers/company/users.ndjson?id=C-1&with=subsidiaries",
    );
    let users: Vec<Value> = users
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect();
    let ids = users
        .iter()
        .map(|user| text(user, &"community_user_id").to_owned());
    assert_eq!(ids.collect::<BTreeSet<_>>(), members);
    for user in &users {
        assert_eq!(user["company_external_id"], "C-2");
        assert!(user["replies_in_period"].is_u64(), "{user}");
    }
    let alone = get(address, "/customers/company/users.csv?id=C-1");
    let named = "attachment; filename=\"company-c-1-users-";
    assert!(alone.head.contains(named), "{}", alone.head);
    assert_eq!(
        alone.body.lines().count(),
        1,
        "it has no users of its own: {}",
        alone.body
    );

    let posts = "/customers/company/posts.csv?id=C-2&days=90";
    let cookies = log_in(address, "ben@company.example", PASSWORD);
    let file = request(address, "GET", posts, &[("cookie", cookies.as_str())]);
    assert_eq!(file.status, 200);
    assert!(
        file.body.starts_with("tenant_id,public_id,kind,"),
        "{}",
        file.body
    );
    assert_eq!(
        request(address, "GET", posts, &[("cookie", "")]).status,
        303,
        "asks to log in"
    );
    assert_eq!(get(address, "/customers/company/posts.csv?id=C-9").status, 404);
}

#[test]
fn columns_may_have_other_names_and_a_file_of_another_kind_is_refused_whole() {
    let home = Home::new();
    let file = write(
        &home,
        "crm.csv",
        "Owner,AccountId,Account Name,Domains,Parent\njo,C-1,One,one.example,\n",
    );
    let map = ["--map", "external_id=AccountId", "--map", "name=Account Name"];
    let more = ["--map", "domains=Domains", "--map", "parent_external_id=Parent"];
    let import = ["company", "import", &file, "--json"];
    let done = home
        .run(&[&import[..], &map, &more].concat())
        .succeeded()
        .says(&["Owner"]);
    assert_eq!(count(&done.json(), "new"), 1);
    home.run(&[&import[..], &map].concat())
        .ended(2)
        .says(&["lacks the column domains"]);
    home.run(&[&import[..], &["--map", "nonsense=Owner"]].concat())
        .ended(2);
    home.run(&["person", "import", &file])
        .ended(2)
        .says(&["external_id,email,first_name"]);
}

#[test]
fn rules_are_tried_applied_and_taken_back() {
    let (home, _simulator, _) = synced();
    let domain = domain_of_most(&home);
    import(&home, "company", &format!("{COMPANIES}C-1,One,{domain},\n")).succeeded();
    let before = ties(&home);
    let wanted = matched(&home);
    assert!(!wanted.is_empty());

    let shown = home.run(&["rules", "show", "--json"]).succeeded().json();
    assert_eq!(shown["version"], 1);
    let mut other = shown.clone();
    other["rules"]["internal_domains"] = json!([domain]);
    let file = write(&home, "rules.json", &other.to_string());
    let preview = home
        .run(&["rules", "preview", &file, "--json"])
        .succeeded()
        .json();
    assert_eq!(count(&preview["lost"], "members"), wanted.len() as u64);
    assert_eq!(count(&preview["after"], "internal"), wanted.len() as u64);
    assert_eq!(ties(&home), before, "a preview writes nothing");

    let applied = home
        .run(&["rules", "apply", &file, "--why", "they are ours", "--json"])
        .succeeded()
        .json();
    assert_eq!(
        (&applied["version"], &applied["matching"]),
        (&json!(2), &preview["after"]),
        "as it was previewed"
    );
    assert!(matched(&home).is_empty());
    // It was made from version 1, which decides no more.
    home.run(&["rules", "apply", &file])
        .ended(1)
        .says(&["version 2 decides by now"]);
    let history = home.run(&["rules", "history", "--json"]).succeeded().json();
    assert_eq!(
        (&history[0]["version"], &history[0]["why"]),
        (&json!(2), &json!("they are ours"))
    );
    assert_eq!(
        history[0]["changes"][0],
        format!("Internal domains: added {domain}")
    );

    home.run(&["rules", "undo", "1"]).succeeded();
    assert_eq!(ties(&home), before, "every match as it was");
    home.run(&["rules", "undo", "9"]).ended(1).says(&["no version 9"]);
    let id = wanted.first().expect("a member");
    let why = home
        .run(&["member", "why", "customer-en", id, "--json"])
        .succeeded()
        .json();
    let former = why["history"].as_array().expect("a list");
    let former: Vec<_> = former.iter().map(|former| text(former, &"status")).collect();
    assert_eq!(former, ["internal", "matched", "unmatched"], "the last one first");
}

#[test]
fn rules_that_cannot_be_used_are_refused_whole() {
    let home = Home::new();
    let broken = write(
        &home,
        "broken.json",
        "{\"rules\":[{\"id\":\"a\",\"names\":\"person\",\"conditions\":[]}]}",
    );
    home.run(&["rules", "apply", &broken])
        .ended(2)
        .says(&["no condition"]);
    let unknown = write(&home, "unknown.json", "{\"rules\":[],\"colour\":1}");
    home.run(&["rules", "preview", &unknown])
        .ended(2)
        .says(&["colour"]);
}

#[test]
fn what_is_said_by_hand_is_not_overwritten_by_rules() {
    let (home, _simulator, _) = synced();
    let domain = domain_of_most(&home);
    import(
        &home,
        "company",
        &format!("{COMPANIES}C-1,One,{domain},\nC-2,Two,,\n"),
    )
    .succeeded();
    let members = matched(&home);
    let id = members.first().expect("a member");
    let member = |command: &str, more: &[&str]| {
        let words = ["member", command, "customer-en", id, "--json"];
        home.run(&[&words, more].concat())
    };
    member("link", &["--company", "C-9", "--reason", "x"])
        .ended(1)
        .says(&["no company \"C-9\""]);
    let linked = member("link", &["--company", "C-2", "--reason", "They moved"])
        .succeeded()
        .json();
    assert_eq!(linked["match"]["company_external_id"], "C-2");
    assert_eq!(linked["link"]["reason"], "They moved");
    assert_eq!(linked["by_rules"]["company_external_id"], "C-1");
    home.run(&["rules", "restore"]).succeeded();
    home.run(&["sync", "customer-en", "--full"]).succeeded();
    assert_eq!(ties(&home)[id][2], "C-2", "no rule overwrites it");
    member("unlink", &["--reason", "A guest"]).succeeded();
    assert_eq!(ties(&home)[id][0], "unmatched");
    member("rules", &[]).succeeded();
    assert_eq!(ties(&home)[id][2], "C-1");

    let left = member("left", &["--reason", "The address bounces"])
        .succeeded()
        .json();
    assert_eq!(left["left"]["reason"], "The address bounces");
    let run = home.run(&["sync", "customer-en", "--json"]).succeeded().json();
    assert_eq!(count(&run["matching"], "matched"), members.len() as u64 - 1);
    member("back", &[]).succeeded();
    home.run(&["member", "why", "customer-en", "no such"])
        .ended(1)
        .says(&["no member"]);
}

#[test]
fn an_erasure_takes_the_person_out_and_the_next_import_keeps_them_out() {
    let home = Home::new();
    let persons =
        format!("{PERSONS}P-1,jane@acme.example,Jane,Doe,,C-1,\nP-2,joe@acme.example,Joe,Doe,,C-1,\n");
    import(&home, "person", &persons).succeeded();
    let erased = home
        .run(&["erase", "--email", "Jane@ACME.example", "--json"])
        .succeeded()
        .json();
    assert_eq!(count(&erased, "persons"), 1);
    let again = import(&home, "person", &persons).succeeded().json();
    assert_eq!((count(&again, "kept_out"), count(&again, "unchanged")), (1, 1));
}

/// The rules in use with both leaver rules on, as a file.
fn rules_with_leavers(home: &Home) -> String {
    let mut rules = home.run(&["rules", "show", "--json"]).succeeded().json();
    rules["rules"]["leavers"] = json!({ "inactive_person": true, "bounced_email": true });
    write(home, "rules.json", &rules.to_string())
}

/// A person with an address, active or not.
fn import_person(home: &Home, email: &str, active: bool) {
    let rows = format!("{PERSONS}P-1,{email},,,,C-1,{active}\n");
    import(home, "person", &rows).succeeded();
}

fn why(home: &Home, id: &str) -> Value {
    let why = home.run(&["member", "why", "customer-en", id, "--json"]);
    why.succeeded().json()
}

#[test]
fn bounces_are_read_as_other_files_are() {
    let home = Home::new();
    let file = write(
        &home,
        "bounces.csv",
        "email,bounced_at\nAnn@One.example,2026-01-05T08:00:00Z\nno address,2026-01-05\nann@one.example,\n",
    );
    let told = home.run(&["member", "bounces", &file, "--json"]).ended(1).json();
    assert_eq!((count(&told, "bad"), count(&told, "repeated")), (1, 1));
    assert_eq!(told["bad_lines"][0]["line"], 3);
    assert_eq!(
        count(&told, "unchanged"),
        1,
        "the last line says that mail is delivered"
    );
}

#[test]
fn members_leave_by_rule_and_come_back() {
    let (home, _simulator, _) = synced();
    let domain = domain_of_most(&home);
    import(&home, "company", &format!("{COMPANIES}C-1,One,{domain},\n")).succeeded();
    let members: Vec<String> = matched(&home).into_iter().collect();
    let (first, second) = (members[0].as_str(), members[1].as_str());
    let users = users(&home);
    let email = |id: &str| text(&users[id], &"email").trim().to_owned();
    let left = |id: &str| why(&home, id)["left"]["because"].clone();

    // Mail to the first came back, and the second's person is inactive.
    let bounces = format!("email,bounced_at\n{},2026-01-05T08:00:00Z\n", email(first));
    let file = write(&home, "bounces.csv", &bounces);
    home.run(&["member", "bounces", &file]).succeeded();
    import_person(&home, &email(second), false);
    assert_eq!(
        (left(first), left(second)),
        (Value::Null, Value::Null),
        "off as shipped"
    );

    let rules = rules_with_leavers(&home);
    let preview = home
        .run(&["rules", "preview", &rules, "--json"])
        .succeeded()
        .json();
    assert_eq!(
        (count(&preview, "leaving"), count(&preview, "coming_back")),
        (2, 0)
    );
    home.run(&["rules", "apply", &rules]).succeeded();
    assert_eq!(left(first), "email_bounced");
    assert_eq!(left(second), "person_inactive");
    let run = home.run(&["sync", "customer-en", "--json"]).succeeded().json();
    assert_eq!(count(&run["matching"], "matched"), members.len() as u64 - 2);

    // An admin knows better of the first; the second's person is active again.
    home.run(&["member", "back", "customer-en", first]).succeeded();
    import_person(&home, &email(second), true);
    let told = why(&home, first);
    assert_eq!(
        (&told["left"], &told["stays"]["by"]),
        (&Value::Null, &json!("operator"))
    );
    let told = why(&home, second);
    assert_eq!(told["left"], Value::Null);
    assert_eq!(told["formerly_left"][0]["because"], "person_inactive");
    home.run(&["member", "rules", "customer-en", first]).succeeded();
    assert_eq!(left(first), "email_bounced", "the rules decide again");
}

#[test]
fn trends_tell_which_company_wrote() {
    let home = Home::new();
    let (_simulator, address) = home.simulate("customer-en:users=60,topics=40,views=40", &[]);
    home.connect("customer-en", &format!("http://{address}"));
    home.sync("customer-en").succeeded();
    let of_companies = || {
        let trends = home.run(&["export", "trends", "--json"]).succeeded().json();
        let rows = trends.as_array().expect("rows").clone();
        let sum = |rows: Vec<Value>| rows.iter().map(|row| count(row, "count")).sum::<u64>();
        let all = sum(rows.clone());
        let of = rows
            .into_iter()
            .filter(|row| row["company_external_id"] != Value::Null);
        (sum(of.collect()), all)
    };
    let (before, all) = of_companies();
    assert_eq!(before, 0);
    let domains: BTreeSet<String> = users(&home).values().filter_map(domain_of).collect();
    let rows = domains
        .iter()
        .enumerate()
        .map(|(number, domain)| format!("C-{number},Company {number},{domain},\n"));
    import(
        &home,
        "company",
        &format!("{COMPANIES}{}", rows.collect::<String>()),
    );
    let (after, still_all) = of_companies();
    assert!(
        after > 0 && still_all == all,
        "{after} of {still_all}, before {all}"
    );
}
