//! One ticket for many members without a company: a document for people, rows for a sheet, and a link for mail.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{CauseGroup, Explanation, Member, WhyNot};
use crate::grouped;

/// What a sheet has of each member; rows are [`Ticket::row`].
pub const TICKET_COLUMNS: [&str; 12] = [
    "ticket",
    "rule_set_version",
    "tenant_id",
    "community_user_id",
    "username",
    "email",
    "match_status",
    "cause",
    "domain",
    "candidates",
    "what_would_help",
    "rules",
];

/// Characters of a value in the document; the sheet has it whole.
const VALUE_MAX_CHARS: usize = 120;
/// As long as a mail link may be for every mail program to take it (characters; Outlook and Windows end at 2,083).
pub const MAIL_LINK_MAX_CHARS: usize = 2_000;

/// Members without a company, by what would help them. Any number: only some of each group are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Such as `T-2026-0012`.
    reference: String,
    opened_at: DateTime<Utc>,
    rule_set_version: u64,
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

    pub fn new(
        reference: &str,
        opened_at: DateTime<Utc>,
        rule_set_version: u64,
        rules: &super::RuleSet,
    ) -> Self {
        let rules = rules.rules.iter().map(|rule| (rule.to_string(), rule.active));
        Self {
            reference: reference.to_owned(),
            opened_at,
            rule_set_version,
            rules: rules.collect(),
            groups: BTreeMap::new(),
        }
    }

    /// Takes a member in, in any order. Says whether it belongs here: one that has a company, or is internal, does not.
    pub fn add(&mut self, member: &Member, why: &Explanation) -> bool {
        let Some((cause, domain)) = why.outcome.cause_group() else {
            return false;
        };
        let group = self.groups.entry((cause, domain.map(str::to_owned))).or_default();
        group.members += 1;
        let key = (member.tenant_id.clone(), member.community_user_id.clone());
        let is_first = group.first.last_key_value().is_none_or(|(last, _)| key < *last);
        if is_first || group.first.len() < Self::LISTED_MAX {
            group.first.insert(key, listed(member, why));
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

    /// "T-2026-0012: 214 members without a company".
    pub fn headline(&self) -> String {
        let members = self.members();
        let noun = if members == 1 { "member" } else { "members" };
        format!(
            "{}: {} {noun} without a company",
            self.reference,
            grouped(members)
        )
    }

    /// The document, in Markdown with tables. Whatever members typed is shown as code, so that it is no markup.
    pub fn markdown(&self) -> String {
        let opened_at = self.opened_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut text = format!(
            "# {}\n\nOpened {opened_at}. Matched by version {} of the rules.\n\n",
            self.headline(),
            self.rule_set_version
        );
        text.push_str("| Members | Cause | What would help |\n|---:|---|---|\n");
        let groups = self.by_size();
        for (group, _) in &groups {
            let of = group
                .domain
                .as_ref()
                .map_or_else(String::new, |domain| format!("{}: ", code(domain)));
            push(
                &mut text,
                format_args!(
                    "| {} | {of}{} | {} |\n",
                    grouped(group.members),
                    group.cause.sentence(),
                    actions(group.cause)
                ),
            );
        }
        for (group, listed) in &groups {
            push_group(&mut text, group, listed);
        }
        push(
            &mut text,
            format_args!("\n## Version {} of the rules\n\n", self.rule_set_version),
        );
        for (number, (rule, active)) in (1..).zip(&self.rules) {
            let off = if *active { "" } else { " (off)" };
            push(&mut text, format_args!("{number}. {rule}{off}\n"));
        }
        text
    }

    /// A member as a row of the sheet, in the order of [`TICKET_COLUMNS`]. Who writes the file has to keep cells from being
    /// formulas.
    pub fn row(&self, member: &Member, why: &Explanation) -> [String; 12] {
        let outcome = &why.outcome;
        let cause = outcome.why_not;
        [
            self.reference.clone(),
            self.rule_set_version.to_string(),
            member.tenant_id.clone(),
            member.community_user_id.clone(),
            member.username.clone(),
            member.email.clone().unwrap_or_default(),
            outcome.status.to_string(),
            cause.map_or_else(String::new, |cause| cause.as_str().to_owned()),
            outcome.domain.clone().unwrap_or_default(),
            candidates(why).join(";"),
            cause.map_or_else(String::new, |cause| cause.help().to_owned()),
            results(why),
        ]
    }

    /// A link that opens a mail with the groups: as many as fit into [`MAIL_LINK_MAX_CHARS`], the largest first.
    pub fn mail_link(&self) -> String {
        let about = format!("Version {} of the rules.\r\n\r\n", self.rule_set_version);
        let mut mail = format!(
            "mailto:?subject={}&body={}",
            encoded(&self.headline()),
            encoded(&about)
        );
        let groups = self.groups();
        for (nth, group) in groups.iter().enumerate() {
            let line = encoded(&format!("{}. {}\r\n", group.sentence(), group.cause.help()));
            let left = (groups.len() - nth) as u64;
            let rest = encoded(&format!("And {} causes more.\r\n", grouped(left)));
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

fn push_group(text: &mut String, group: &CauseGroup, listed: &Listed) {
    let of = group
        .domain
        .as_ref()
        .map_or_else(String::new, |domain| format!(" of {}", code(domain)));
    let noun = if group.members == 1 { "member" } else { "members" };
    push(
        text,
        format_args!(
            "\n## {} {noun}{of}: {}\n\n{}\n\n| Member | Connection | Id | Email | Rules | Candidates |\n\
             |---|---|---|---|---|---|\n",
            grouped(group.members),
            group.cause.sentence(),
            group.cause.help(),
        ),
    );
    for row in listed.first.values() {
        text.push_str(row);
    }
    let more = group.members - listed.first.len() as u64;
    if more > 0 {
        push(
            text,
            format_args!("\nAnd {} more, which the CSV file lists.\n", grouped(more)),
        );
    }
}

/// A member as a row of a table.
fn listed(member: &Member, why: &Explanation) -> String {
    let candidates: Vec<_> = candidates(why).iter().map(|id| code(id)).collect();
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        code(&member.username),
        code(&member.tenant_id),
        code(&member.community_user_id),
        code(member.email.as_deref().unwrap_or_default()),
        results(why),
        candidates.join(", "),
    )
}

/// "1 no candidate, 2 free mail".
fn results(why: &Explanation) -> String {
    let words = why
        .rules
        .iter()
        .map(|rule| format!("{} {}", rule.position, rule.result.words()));
    words.collect::<Vec<_>>().join(", ")
}

/// The companies that come into question, each once.
fn candidates(why: &Explanation) -> Vec<&str> {
    let ids = why.outcome.candidates.iter();
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
