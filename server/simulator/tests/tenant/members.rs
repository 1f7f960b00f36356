//! Members.

use crate::client::{Client, DAY, NOW, day, encoded, id, simulator, text, time_fault};
use simulator::Simulator;
use std::collections::HashSet;

#[test]
fn the_numbered_form_of_the_members_holds_the_same_as_the_list() {
    let client = Client::of(&simulator(&["acme-en:users=30"]), "acme-en");
    let list = client.get("/user?_returnIterable=true&pageSize=20&page=2");
    let numbered = client.get("/user?pageSize=20&page=2");
    let users = list["users"].as_array().unwrap();
    assert_eq!((users.len(), numbered.as_object().unwrap().len()), (10, 11));
    for (position, user) in users.iter().enumerate() {
        assert_eq!(&numbered[position.to_string()], user);
    }
    let beyond = client.get("/user?page=9");
    assert_eq!(beyond, serde_json::json!({ "statistics": { "count": 30 } }));
}

#[test]
fn every_member_is_served_as_the_truth_says() {
    let simulator = simulator(&["acme-fr:users=700,broken=80"]);
    assert_every_member_is_served(&simulator);
    let truth: Vec<_> = simulator.true_users("acme-fr").unwrap().collect();
    assert!(
        truth
            .iter()
            .all(|user| user.last_activity_at < NOW.unsigned_abs())
    );
    assert_eq!(truth.iter().filter(|user| user.invalid.is_some()).count(), 20);
    simulator.advance("acme-fr", 40);
    assert_every_member_is_served(&simulator);
}

fn assert_every_member_is_served(simulator: &Simulator) {
    let client = Client::of(simulator, "acme-fr");
    let mut served = client.pages("/user?_returnIterable=true", "users", 100);
    served.reverse();
    let truth: Vec<_> = simulator.true_users("acme-fr").unwrap().collect();
    assert_eq!(served.len(), truth.len());
    for (user, known) in served.iter().zip(&truth) {
        assert_eq!(
            time_fault(user, "userid", user["joindate"].is_u64()),
            known.invalid
        );
        assert_eq!(text(user, "username"), Some(known.username.as_str()));
        assert_eq!(text(user, "email"), known.email.as_deref());
        assert_eq!(user["lastactivity"], known.last_activity_at);
        assert!(known.joined_at <= known.last_activity_at);
        let field = |name: &str| {
            let fields = user["_related"]["userprofilefields"].as_array().unwrap();
            let field = fields.iter().find(|field| field["profilefield_name"] == name);
            field.map(|field| field["value"].as_str().unwrap().to_owned())
        };
        assert_eq!(field("Entreprise"), known.company);
        assert_eq!(field("Prénom").unwrap_or_default(), known.first_name);
        let roles = user["_related"]["roles"].as_array().unwrap();
        let roles: Vec<_> = roles
            .iter()
            .map(|role| role["itemname"].as_str().unwrap())
            .collect();
        assert_eq!(roles, known.roles);
        if known.invalid.is_none() {
            assert_eq!(
                (id(user, "userid"), user["joindate"].as_u64()),
                (known.id, Some(known.joined_at))
            );
        }
    }
    let times: Vec<u64> = truth.iter().map(|user| user.joined_at).collect();
    assert!(times.is_sorted());
}

#[test]
fn a_member_is_found_by_id_name_and_address() {
    let simulator = simulator(&["acme-de:users=300"]);
    let client = Client::of(&simulator, "acme-de");
    for known in simulator.true_users("acme-de").unwrap() {
        assert_eq!(
            id(&client.get(&format!("/user/{}", known.id)), "userid"),
            known.id
        );
        let same = |path: &str| id(&client.get(path)["result"], "userid") == known.id;
        assert!(same(&format!("/user/userid/{}", known.id)));
        assert!(same(&format!("/user/username/{}", encoded(&known.username))));
        let address = known
            .email
            .filter(|email| email.contains('@') && !email.contains([' ', '<']));
        assert!(
            address.is_none_or(|email| same(&format!("/api1/user/email/{}", encoded(&email.to_lowercase()))))
        );
    }
    let known: HashSet<u64> = simulator
        .true_users("acme-de")
        .unwrap()
        .map(|user| user.id)
        .collect();
    for gap in (0..60).filter(|id| !known.contains(id)) {
        assert_eq!(client.raw(&format!("/user/{gap}")).status, 404, "{gap}");
    }
    for absent in [
        "/user/0",
        "/user/99999",
        "/user/x",
        "/user/username/nobody7",
        "/user/facebook_sso_id/1",
    ] {
        assert_eq!(client.raw(absent).status, 404, "{absent}");
    }
}

#[test]
fn members_are_filtered_as_a_scan_would() {
    let simulator = simulator(&["acme-es:users=900"]);
    let client = Client::of(&simulator, "acme-es");
    let truth: Vec<_> = simulator.true_users("acme-es").unwrap().collect();
    let check = |query: &str, holds: &dyn Fn(&simulator::TrueUser) -> bool| {
        let served = client.pages(&format!("/user?_returnIterable=true&{query}"), "users", 50);
        let served: Vec<u64> = served.iter().map(|user| id(user, "userid")).collect();
        let wanted: Vec<u64> = truth
            .iter()
            .rev()
            .filter(|user| holds(user))
            .map(|user| user.id)
            .collect();
        assert!(
            !wanted.is_empty() && wanted.len() < truth.len(),
            "{query} tells nothing"
        );
        assert_eq!(served, wanted, "{query}");
    };
    let (from, to) = (truth[200].joined_at, truth[400].joined_at);
    let in_days = |time: u64| (from / DAY..=to / DAY).contains(&(time / DAY));
    check(
        &format!(
            "filter[joindate][from]={}&filter[joindate][to]={}",
            day(from),
            day(to)
        ),
        &|user| in_days(user.joined_at),
    );
    check(
        &format!("filter%5Blastactivity%5D%5Bfrom%5D={}", day(from)),
        &|user| user.last_activity_at / DAY >= from / DAY,
    );
    check(
        "filter[roles.rolename][]=roles.moderator&filter[roles.rolename][]=Partner",
        &|user| {
            user.roles
                .iter()
                .any(|role| ["roles.moderator", "Partner"].contains(role))
        },
    );
    let (first, second) = (truth[3].id, truth[8].id);
    check(
        &format!("filter[userid][]={first}&filter[userid][]={second}"),
        &|user| [first, second].contains(&user.id),
    );
}

#[test]
fn addresses_at_work_belong_to_the_employer() {
    let simulator = simulator(&["acme-en:users=600"]);
    let companies: Vec<_> = simulator.true_companies("acme-en").unwrap().collect();
    assert!(
        companies
            .iter()
            .zip(0..)
            .all(|(company, number)| company.number == number)
    );
    let mut at_work = 0;
    for user in simulator.true_users("acme-en").unwrap() {
        let employer = &companies[usize::try_from(user.employer).unwrap()];
        let email = user.email.unwrap_or_default().to_lowercase();
        let domain = email.rsplit('@').next().unwrap();
        at_work += u32::from(domain == employer.domain);
        let elsewhere = companies
            .iter()
            .any(|other| other.domain == domain && other != employer);
        assert!(!elsewhere, "{email} is not at {}", employer.domain);
        let named = user.company.map(|name| name.to_lowercase());
        assert!(named.is_none_or(|name| employer.name.to_lowercase().starts_with(&name)));
    }
    assert!(at_work > 400, "{at_work} of 600 at work");
}
