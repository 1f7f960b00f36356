use domain::{
    ConnectionId, Stream,
    record::{Record, User},
    unification::{Company, DecidedBy, Match, MatchStatus, Person, RuleSet},
};

use super::{
    accounts::operator,
    fixtures::{Started, at, page_of, started},
};
use crate::{
    Deed, Deletion, ImportMode, Link, MatchCommit, MatchesWritten, NewMatch, RuleChange, RulesApplied,
    Search, Store,
};

fn company(id: &str, name: &str, domains: &[&str], parent: Option<&str>) -> Company {
    Company {
        external_id: id.to_owned(),
        name: name.to_owned(),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        parent_external_id: parent.map(str::to_owned),
    }
}

fn person(id: &str, first: &str, last: Option<&str>, email: &str) -> Person {
    Person {
        external_id: id.to_owned(),
        first_name: Some(first.to_owned()),
        last_name: last.map(str::to_owned),
        email: Some(email.to_owned()),
        company_external_id: Some("C-1".to_owned()),
        active: true,
        ..Person::default()
    }
}

async fn bring_parties(store: &dyn Store) {
    let companies = [
        company(
            "C-1",
            "Halden Freight",
            &["halden.example", "Halden-Freight.example"],
            None,
        ),
        company("C-2", "100% Brise_Log", &["brise.example"], Some("C-1")),
        company("C-3", "Acme", &[], Some("C-1")),
    ];
    let imported = store
        .import_companies(
            &companies,
            ImportMode::Write,
            Deed::CompaniesImported,
            &operator(1),
        )
        .await;
    assert_eq!(imported.expect("an import").new, 3);
    let persons = [
        person("P-1", "Zoë", Some("O'Neill"), "Zoe@Halden.example"),
        person("P-2", "Ann", None, "ann@brise.example"),
    ];
    let imported = store
        .import_persons(&persons, ImportMode::Write, &operator(1))
        .await;
    assert_eq!(imported.expect("an import").rows.new, 2);
}

fn search(text: &str) -> Search {
    Search {
        text: text.to_owned(),
        offset: 0,
        limit: 10,
    }
}

pub async fn companies_and_persons_are_looked_up(store: &dyn Store) {
    started(store, 1).await;
    bring_parties(store).await;
    let sizes = store.party_counts().await.expect("counts");
    assert_eq!((sizes.companies, sizes.persons), (3, 2));
    let companies = async |text: &str| {
        let found = store.find_companies(&search(text)).await.expect("companies");
        assert_eq!(found.total, found.rows.len() as u64);
        let ids = found.rows.into_iter().map(|found| found.company.external_id);
        ids.collect::<Vec<_>>()
    };
    for (text, ids) in [
        ("", &["C-2", "C-3", "C-1"][..]),
        ("C-3", &["C-3"]),
        ("hALDEN", &["C-1"]),
        ("halden-freight.EXAMPLE", &["C-1"]),
        ("%", &["C-2"]),
        ("e_l", &["C-2"]),
        ("nowhere", &[]),
        ("' OR 1=1 --", &[]),
    ] {
        assert_eq!(companies(text).await, ids, "{text}");
    }
    let persons = async |text: &str| {
        let found = store.find_persons(&search(text)).await.expect("persons");
        found
            .rows
            .into_iter()
            .map(|person| person.external_id)
            .collect::<Vec<_>>()
    };
    for (text, ids) in [
        ("", &["P-2", "P-1"][..]),
        ("P-1", &["P-1"]),
        ("C-1", &["P-2", "P-1"]),
        ("zoe@halden", &["P-1"]),
        ("o'neill", &["P-1"]),
        ("nobody", &[]),
    ] {
        assert_eq!(persons(text).await, ids, "{text}");
    }
    let second = Search {
        offset: 1,
        limit: 1,
        ..search("")
    };
    let page = store.find_companies(&second).await.expect("companies");
    assert_eq!(
        (page.rows[0].company.external_id.as_str(), page.total),
        ("C-3", 3)
    );
    let below = store.companies_below("C-1").await.expect("companies");
    let below: Vec<_> = below.iter().map(|company| company.external_id.as_str()).collect();
    assert_eq!(below, ["C-2", "C-3"]);
}

fn user(id: &str) -> Record {
    Record::User(Box::new(User {
        community_user_id: id.to_owned(),
        username: format!("user {id}"),
        email: Some(format!("{id}@halden.example")),
        ..User::default()
    }))
}

fn tied(id: &str, decided_by: DecidedBy, rule: Option<&str>) -> NewMatch {
    NewMatch {
        community_user_id: id.to_owned(),
        outcome: Match {
            status: MatchStatus::Matched,
            decided_by,
            rule: rule.map(str::to_owned),
            company_external_id: Some("C-1".to_owned()),
            ..Match::default()
        },
    }
}

async fn delete(store: &dyn Store, started: &Started, id: &str) {
    let deletion = Deletion {
        connection_id: started.connection,
        stream: Stream::Users,
        keys: vec![id.to_owned()],
        requests: 0,
        checkpoint: String::new(),
        at: at(4),
    };
    store
        .mark_deleted(&started.lease, &deletion)
        .await
        .expect("marked");
}

pub async fn a_companys_members_are_listed_and_counted_by_rule(store: &dyn Store) {
    let started = started(store, 1).await;
    bring_parties(store).await;
    let change = RuleChange {
        by: "an admin".to_owned(),
        at: at(2),
        why: None,
        effect: None,
    };
    let applied = store.apply_rules(0, &RuleSet::shipped(), &change, None).await;
    assert_eq!(applied.expect("an answer"), RulesApplied::Yes(1));
    let users = ["1", "2", "3", "4"].map(user).to_vec();
    let page = page_of(started.connection, Stream::Users, users);
    store.commit_page(&started.lease, &page).await.expect("a page");
    let changed = vec![
        tied("1", DecidedBy::Rule, Some("email-to-person")),
        tied("2", DecidedBy::Rule, Some("email-to-person")),
        tied("3", DecidedBy::Hand, None),
        tied("4", DecidedBy::Rule, Some("phone-to-person")),
    ];
    write_all(store, started.connection, changed).await;
    delete(store, &started, "4").await;

    let by_rule = store.members_by_rule().await.expect("counts");
    assert_eq!(by_rule, [("email-to-person".to_owned(), 2)]);
    let members = store.members_of_company("C-1", 1, 1).await.expect("members");
    assert_eq!(members.total, 3);
    let second = &members.rows[0];
    assert_eq!(second.tenant_id, "tenant-1");
    assert_eq!(second.community_user_id, "2");
    assert_eq!(second.email.as_deref(), Some("2@halden.example"));
    assert_eq!(second.rule.as_deref(), Some("email-to-person"));
    let found = store.find_companies(&search("C-1")).await.expect("companies");
    assert_eq!(found.rows[0].members, 3);
}

pub async fn what_was_said_by_hand_is_listed_the_latest_first(store: &dyn Store) {
    let started = started(store, 1).await;
    bring_parties(store).await;
    let users = ["1", "2", "3", "4"].map(user).to_vec();
    let page = page_of(started.connection, Stream::Users, users);
    store.commit_page(&started.lease, &page).await.expect("a page");
    let said = |company: Option<&str>, seconds| Link {
        company_external_id: company.map(str::to_owned),
        person_external_id: None,
        reason: "They told us".to_owned(),
        by: "admin@example.com".to_owned(),
        at: at(seconds),
    };
    let links = [
        ("1", said(Some("C-1"), 5)),
        ("2", said(None, 7)),
        ("3", said(Some("gone"), 6)),
        ("4", said(Some("C-1"), 8)),
    ];
    for (id, link) in &links {
        assert!(
            store
                .set_link(started.connection, id, Some(link), &operator(5))
                .await
                .expect("an answer")
        );
    }
    delete(store, &started, "4").await;

    let all = store.links_by_hand(0, 10).await.expect("links");
    let told: Vec<_> = all
        .rows
        .iter()
        .map(|of| (of.community_user_id.as_str(), of.company_name.as_deref()))
        .collect();
    assert_eq!(told, [("2", None), ("3", None), ("1", Some("Halden Freight"))]);
    let second = store.links_by_hand(1, 1).await.expect("links");
    assert_eq!(second.total, 3);
    assert_eq!(
        (&second.rows[0].link, second.rows[0].tenant_id.as_str()),
        (&links[2].1, "tenant-1")
    );
    assert!(
        store
            .set_link(started.connection, "2", None, &operator(9))
            .await
            .expect("an answer")
    );
    assert_eq!(store.links_by_hand(0, 10).await.expect("links").total, 2);
}

/// Everything that is due, as these outcomes.
async fn write_all(store: &dyn Store, connection: ConnectionId, mut changed: Vec<NewMatch>) {
    while let Some(page) = store.members_due(connection, 10).await.expect("an answer") {
        let commit = MatchCommit {
            connection_id: connection,
            page,
            changed: std::mem::take(&mut changed),
            leaving: Vec::new(),
            revision: store.revision().await.expect("a revision"),
            at: at(3),
        };
        let written = store.write_matches(None, commit).await.expect("an answer");
        assert!(matches!(written, MatchesWritten::Yes { .. }));
    }
}
