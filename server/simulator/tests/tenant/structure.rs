//! Categories and idea statuses.

use crate::client::{Client, id, simulator, text};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn categories_come_as_a_list_as_a_tree_and_with_counts() {
    let simulator = simulator(&["acme-en"]);
    let client = Client::of(&simulator, "acme-en");
    let truth: Vec<_> = simulator.true_categories("acme-en").unwrap().collect();
    let list = client.pages("/v2/categories", "result", 10);
    let listed: Vec<_> = list
        .iter()
        .map(|category| (id(category, "id"), text(category, "name").unwrap()))
        .collect();
    let known: Vec<_> = truth
        .iter()
        .map(|category| (category.id, category.name))
        .collect();
    assert_eq!(listed, known);
    let tree = client
        .get("/v2/category/getTree?module[]=community&module[]=knowledge-base&module[]=groups&authorId=1");
    let mut nodes = Vec::new();
    let mut stack: Vec<&Value> = tree["result"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|top| top.as_array().unwrap())
        .collect();
    while let Some(node) = stack.pop() {
        nodes.push((id(node, "id"), node["parentId"].as_u64()));
        stack.extend(node["children"].as_array().unwrap());
    }
    let parents: BTreeSet<_> = truth
        .iter()
        .map(|category| (category.id, category.parent_id))
        .collect();
    assert_eq!(
        (nodes.len(), nodes.into_iter().collect::<BTreeSet<_>>()),
        (truth.len(), parents)
    );
    let counts = client.get("/v2/categories/getVisibleTopicsCount");
    for category in &truth {
        assert_eq!(
            counts["result"][category.id.to_string()],
            category.visible_topics.to_string()
        );
        assert_eq!(
            client.get(&format!("/v2/categories/{}", category.id))["name"],
            category.name
        );
        let topics = client.pages(&format!("/v2/categories/{}/topics", category.id), "result", 100);
        let visible = topics.iter().filter(|topic| topic["trashed"] == false).count();
        assert_eq!(visible as u64, category.visible_topics);
    }
    assert_eq!(
        client
            .pages("/v2/categories?excludeGroups=true", "result", 50)
            .len(),
        truth.len() - 1
    );
    assert_eq!(client.raw("/v2/categories/1/topics").status, 404);
}

#[test]
fn idea_statuses_are_listed_newest_first() {
    let simulator = simulator(&["acme-de"]);
    let mut served = Client::of(&simulator, "acme-de").pages("/v2/ideas/ideaStatuses", "result", 3);
    served.reverse();
    let truth: Vec<_> = simulator.true_idea_statuses("acme-de").unwrap().collect();
    assert_eq!(served.len(), truth.len());
    for (status, known) in served.iter().zip(truth) {
        assert_eq!(
            (id(status, "id"), text(status, "name")),
            (known.id, Some(known.name))
        );
        assert_eq!(
            (text(status, "type"), status["default"].as_bool()),
            (Some(known.kind), Some(known.is_default))
        );
    }
}
