//! One ticket for many members without a company: a document for people, rows for a sheet, and a link for mail.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{CauseGroup, Match, Member, RuleSet, WhyNot};
use crate::grouped;

/// What a sheet has of each member without a company; rows are [`ticket_row`].
pub const TICKET_COLUMNS: [&str; 12] = [
    "ticket",
    "rule_version",
    "tenant_id",
    "community_user_id",
    "username",
    "email",
    "company_custom",
    "cause",
    "domain",
    "rule",
    "candidates",
    "what_would_help",
];

/// Characters of a value in the document; the sheet has it whole.
const VALUE_MAX_CHARS: usize = 120;
/// Causes that the document tells apart, the largest first; the sheet has a row for each member of all of them.
const GROUPS_MAX: usize = 100;
/// Members that the document lists in all: as much as a tracker takes as one text, and more than anybody reads.
const LISTED_IN_ALL_MAX: usize = 1_000;
/// As long as a mail link may be for every mail program to take it (characters; Outlook and Windows end at 2,083).
pub const MAIL_LINK_MAX_CHARS: usize = 2_000;
/// What a ticket's number is led by.
const REFERENCE_START: &str = "T-";

/// What a ticket is called, everywhere: `T-7`.
pub fn ticket_reference(number: i64) -> String {
    format!("{REFERENCE_START}{number}")
}

/// The number of a ticket that is named as `T-7` or `7`.
pub fn ticket_number(reference: &str) -> Option<i64> {
    let number = reference.strip_prefix(REFERENCE_START).unwrap_or(reference);
    number.parse().ok().filter(|number| *number > 0)
}

/// What is known of a ticket beside its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketHead {
    /// Such as `T-12`.
    pub reference: String,
    pub opened_at: DateTime<Utc>,
    pub opened_by: String,
    /// The rules that decided when it was made.
    pub rule_version: i64,
    /// Which members were chosen, in words.
    pub selection: String,
}

/// Members without a company, by what would help them. Any number: only some of each group are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    head: TicketHead,
    /// The rules as sentences, with whether they are on.
    rules: Vec<(String, bool)>,
    groups: BTreeMap<(WhyNot, Option<String>), Listed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed {
    members: u64,
    /// The first by tenant and id.
    first: BTreeMap<(String, String), String>,
}

impl Ticket {
    /// As many members of one group as the document lists; the sheet has them all.
    pub const LISTED_MAX: usize = 50;

    pub fn new(head: TicketHead, rules: &RuleSet) -> Self {
        let rules = rules.rules.iter().map(|rule| (rule.to_string(), rule.active));
        Self {
            head,
            rules: rules.collect(),
            groups: BTreeMap::new(),
        }
    }

    /// Takes a member in, in any order. Says whether it belongs here: one that has a company, or is internal, does not.
    pub fn add(&mut self, member: &Member, outcome: &Match) -> bool {
        let Some((cause, domain)) = outcome.cause_group() else {
            return false;
        };
        let group = self.groups.entry((cause, domain.map(str::to_owned))).or_default();
        group.members += 1;
        let key = (member.tenant_id.clone(), member.community_user_id.clone());
        let is_first = group.first.last_key_value().is_none_or(|(last, _)| key < *last);
        if is_first || group.first.len() < Self::LISTED_MAX {
            group.first.insert(key, listed(member, outcome));
            if group.first.len() > Self::LISTED_MAX {
                group.first.pop_last();
            }
        }
        true
    }

    pub fn members(&self) -> u64 {
        self.groups.values().map(|group| group.members).sum()
    }

    /// The largest first.
    pub fn groups(&self) -> Vec<CauseGroup> {
        self.by_size().into_iter().map(|(group, _)| group).collect()
    }

    fn by_size(&self) -> Vec<(CauseGroup, &Listed)> {
        let group = |((cause, domain), listed): (&(WhyNot, Option<String>), _)| {
            let listed: &Listed = listed;
            let group = CauseGroup {
                cause: *cause,
                domain: domain.clone(),
                members: listed.members,
            };
            (group, listed)
        };
        let mut groups: Vec<_> = self.groups.iter().map(group).collect();
        groups.sort_by_key(|(group, _)| std::cmp::Reverse(group.members));
        groups
    }

    /// "T-12: 214 members without a company".
    pub fn headline(&self) -> String {
        let members = self.members();
        let noun = if members == 1 { "member" } else { "members" };
        format!(
            "{}: {} {noun} without a company",
            self.head.reference,
            grouped(members)
        )
    }

    /// The document, in Markdown with tables. Whatever members typed is shown as code, so that it is no markup.
    pub fn markdown(&self) -> String {
        let opened_at = self.head.opened_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut text = format!(
            "# {}\n\nOpened {opened_at} by {}. Matched by version {} of the rules. Chosen: {}.\n\n",
            self.headline(),
            code(&self.head.opened_by),
            self.head.rule_version,
            code(&self.head.selection),
        );
        let groups = self.by_size();
        push_causes(&mut text, &groups);
        let mut left = LISTED_IN_ALL_MAX;
        for (group, listed) in groups.iter().take(GROUPS_MAX) {
            let shown = listed.first.len().min(left);
            push_group(&mut text, group, listed, shown);
            left -= shown;
        }
        push(
            &mut text,
            format_args!("\n## Version {} of the rules\n\n", self.head.rule_version),
        );
        for (number, (rule, active)) in (1..).zip(&self.rules) {
            let off = if *active { "" } else { " (off)" };
            push(&mut text, format_args!("{number}. {rule}{off}\n"));
        }
        text
    }

    /// A link that opens a mail with the groups: as many as fit into [`MAIL_LINK_MAX_CHARS`], the largest first, and where
    /// all of it is.
    pub fn mail_link(&self, page: &str) -> String {
        let about = format!(
            "Version {} of the rules.\r\n{page}\r\n\r\n",
            self.head.rule_version
        );
        let mut mail = format!(
            "mailto:?subject={}&body={}",
            encoded(&self.headline()),
            encoded(&about)
        );
        let groups = self.groups();
        for (nth, group) in groups.iter().enumerate() {
            let line = encoded(&format!("{}. {}\r\n", group.sentence(), group.cause.help()));
            let left = (groups.len() - nth) as u64;
            let rest = encoded(&format!(
                "And {} causes more, on the page above.\r\n",
                grouped(left)
            ));
            let needed = if left == 1 { 0 } else { rest.len() };
            if mail.len() + line.len() + needed > MAIL_LINK_MAX_CHARS {
                mail.push_str(&rest);
                break;
            }
            mail.push_str(&line);
        }
        mail
    }
}

/// A member without a company as a row of the sheet, in the order of [`TICKET_COLUMNS`]. Who writes the file has to keep
/// cells from being formulas.
pub fn ticket_row(reference: &str, rule_version: i64, member: &Member, outcome: &Match) -> [String; 12] {
    let cause = outcome.why_not;
    [
        reference.to_owned(),
        rule_version.to_string(),
        member.tenant_id.clone(),
        member.community_user_id.clone(),
        member.username.clone(),
        member.email.clone().unwrap_or_default(),
        member.company_custom.clone().unwrap_or_default(),
        cause.map_or_else(String::new, |cause| cause.as_str().to_owned()),
        outcome.domain.clone().unwrap_or_default(),
        outcome.rule.clone().unwrap_or_default(),
        candidates(outcome).join(";"),
        cause.map_or_else(String::new, |cause| cause.help().to_owned()),
    ]
}

fn push_causes(text: &mut String, groups: &[(CauseGroup, &Listed)]) {
    text.push_str("| Members | Cause | What would help |\n|---:|---|---|\n");
    for (group, _) in groups.iter().take(GROUPS_MAX) {
        let of = group
            .domain
            .as_ref()
            .map_or_else(String::new, |domain| format!("{}: ", code(domain)));
        push(
            text,
            format_args!(
                "| {} | {of}{} | {} |\n",
                grouped(group.members),
                group.cause.sentence(),
                actions(group.cause)
            ),
        );
    }
    let more = groups.len().saturating_sub(GROUPS_MAX) as u64;
    if more > 0 {
        push(
            text,
            format_args!("\nAnd {} causes more, which the CSV file has.\n", grouped(more)),
        );
    }
}

fn push_group(text: &mut String, group: &CauseGroup, listed: &Listed, shown: usize) {
    let of = group
        .domain
        .as_ref()
        .map_or_else(String::new, |domain| format!(" of {}", code(domain)));
    let noun = if group.members == 1 { "member" } else { "members" };
    push(
        text,
        format_args!(
            "\n## {} {noun}{of}: {}\n\n{}\n",
            grouped(group.members),
            group.cause.sentence(),
            group.cause.help(),
        ),
    );
    if shown > 0 {
        text.push_str(
            "\n| Member | Connection | Id | Email | Company, as typed | Candidates |\n|---|---|---|---|---|---|\n",
        );
    }
    for row in listed.first.values().take(shown) {
        text.push_str(row);
    }
    let more = group.members - shown as u64;
    if more > 0 {
        push(
            text,
            format_args!("\nAnd {} more, which the CSV file lists.\n", grouped(more)),
        );
    }
}

/// A member as a row of a table.
fn listed(member: &Member, outcome: &Match) -> String {
    let candidates: Vec<_> = candidates(outcome).iter().map(|id| code(id)).collect();
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        code(&member.username),
        code(&member.tenant_id),
        code(&member.community_user_id),
        code(member.email.as_deref().unwrap_or_default()),
        code(member.company_custom.as_deref().unwrap_or_default()),
        candidates.join(", "),
    )
}

/// The companies that come into question, each once.
fn candidates(outcome: &Match) -> Vec<&str> {
    let ids = outcome.candidates.iter();
    let mut ids: Vec<_> = ids
        .filter_map(|candidate| candidate.company_external_id.as_deref())
        .collect();
    ids.dedup();
    ids
}

fn actions(cause: WhyNot) -> String {
    let labels: Vec<_> = cause.actions().iter().map(|action| action.label()).collect();
    labels.join(" or ")
}

/// A value as code within a cell of a table: on one line, and neither markup nor a link, whatever it is.
fn code(value: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut text: String = value
        .chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .take(VALUE_MAX_CHARS + 1)
        .collect();
    if text.chars().count() > VALUE_MAX_CHARS {
        text.pop();
        text.push('…');
    }
    let text = text.trim();
    if text.is_empty() {
        return "–".to_owned();
    }
    // A bar ends a cell even within code, and so does one behind two backslashes.
    let text = text.replace("\\|", "\\ |").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A space at either end keeps backticks apart, and belongs to the fence.
    if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

fn push(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Text takes whatever is written to it.
    let _ = text.write_fmt(words);
}

/// As a part of a link (RFC 3986): all but unreserved characters by their bytes.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            push(&mut encoded, format_args!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
