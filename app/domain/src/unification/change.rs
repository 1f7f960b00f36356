use std::collections::{BTreeMap, BTreeSet};

use super::{Country, LeaverRule, Rule, RuleSet};

impl RuleSet {
    /// What differs from an earlier set, one sentence each, as the history of versions says it. Empty if nothing does.
    pub fn changes_since(&self, earlier: &Self) -> Vec<String> {
        let mut changes = rules(earlier, self);
        let lists = [
            (
                "Internal domains",
                &earlier.internal_domains,
                &self.internal_domains,
            ),
            ("Internal roles", &earlier.internal_roles, &self.internal_roles),
            (
                "Free-mail domains",
                &earlier.free_mail_added,
                &self.free_mail_added,
            ),
            (
                "No free-mail domains",
                &earlier.free_mail_removed,
                &self.free_mail_removed,
            ),
            ("Legal forms", &earlier.legal_forms_added, &self.legal_forms_added),
        ];
        for (name, before, after) in lists {
            list(&mut changes, name, before, after);
        }
        let (before, after) = (&earlier.default_countries, &self.default_countries);
        country(&mut changes, "persons", before.persons, after.persons);
        connections(&mut changes, &before.connections, &after.connections);
        leavers(&mut changes, earlier.leavers, self.leavers);
        changes
    }
}

fn rules(before: &RuleSet, after: &RuleSet) -> Vec<String> {
    let mut changes = Vec::new();
    for rule in &after.rules {
        match before.rule(&rule.id) {
            None => changes.push(format!("New rule: {rule}")),
            Some(earlier) => changes.extend(rule_change(earlier, rule)),
        }
    }
    for rule in &before.rules {
        if after.rule(&rule.id).is_none() {
            changes.push(format!("Rule taken out: {rule}"));
        }
    }
    let kept_order = |set: &RuleSet, other: &RuleSet| -> Vec<String> {
        let kept = set.rules.iter().filter(|rule| other.rule(&rule.id).is_some());
        kept.map(|rule| rule.id.clone()).collect()
    };
    if kept_order(after, before) != kept_order(before, after) {
        let order: Vec<_> = after.rules.iter().map(|rule| rule.id.as_str()).collect();
        changes.push(format!("Rules are tried in another order: {}", order.join(", ")));
    }
    changes
}

fn rule_change(before: &Rule, after: &Rule) -> Option<String> {
    if before == after {
        return None;
    }
    let only_switched = Rule {
        active: after.active,
        ..before.clone()
    } == *after;
    Some(match (only_switched, after.active) {
        (true, true) => format!("Rule switched on: {after}"),
        (true, false) => format!("Rule switched off: {after}"),
        (false, _) => format!("Rule changed: {after}"),
    })
}

fn list(changes: &mut Vec<String>, name: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let words = |from: &BTreeSet<String>, to: &BTreeSet<String>| -> Vec<String> {
        to.difference(from).cloned().collect()
    };
    for (verb, words) in [
        ("added", words(before, after)),
        ("took out", words(after, before)),
    ] {
        if !words.is_empty() {
            changes.push(format!("{name}: {verb} {}", words.join(", ")));
        }
    }
}

fn connections(
    changes: &mut Vec<String>,
    before: &BTreeMap<String, Country>,
    after: &BTreeMap<String, Country>,
) {
    let tenants: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for tenant in tenants {
        country(
            changes,
            tenant,
            before.get(tenant).copied(),
            after.get(tenant).copied(),
        );
    }
}

fn country(changes: &mut Vec<String>, of: &str, before: Option<Country>, after: Option<Country>) {
    match after {
        _ if before == after => {}
        Some(country) => changes.push(format!("Phone: default country of {of} is {country}")),
        None => changes.push(format!("Phone: no default country of {of}")),
    }
}

fn leavers(changes: &mut Vec<String>, before: LeaverRule, after: LeaverRule) {
    for (sign, before, after) in [
        (
            "whose person is inactive",
            before.inactive_person,
            after.inactive_person,
        ),
        ("whose email bounced", before.bounced_email, after.bounced_email),
    ] {
        match (before, after) {
            (false, true) => changes.push(format!("Members {sign} have left")),
            (true, false) => changes.push(format!("Members {sign} have not left")),
            (true, true) | (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_set_has_no_changes() {
        assert!(RuleSet::shipped().changes_since(&RuleSet::shipped()).is_empty());
    }

    #[test]
    fn each_change_is_a_sentence() {
        let before = RuleSet::shipped();
        let mut after = before.clone();
        after.rules[4].active = true;
        after.rules.swap(1, 2);
        after.rules.remove(0);
        after.free_mail_added.insert("mail.example".into());
        after.legal_forms_added.insert("Kft".into());
        after
            .default_countries
            .connections
            .insert("customer-fr".into(), "fr".parse().unwrap());
        after.leavers.bounced_email = true;
        assert_eq!(
            after.changes_since(&before),
            [
                "Rule switched on: Full name equals a person's full name",
                "Rule taken out: Email is exactly a person's email",
                "Rules are tried in another order: email-domain-label-to-company-name, email-domain-to-company, \
                 phone-to-person, full-name-to-person",
                "Free-mail domains: added mail.example",
                "Legal forms: added Kft",
                "Phone: default country of customer-fr is FR",
                "Members whose email bounced have left",
            ]
        );
        assert_eq!(
            before.changes_since(&after).last().map(String::as_str),
            Some("Members whose email bounced have not left")
        );
    }
}
