//! One document of many members without a company, to be handed on: as CSV, or as Markdown with the causes in groups.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::SecondsFormat;
use domain::unification::WhyNot;
use store::{FailedMember, StoreError, Ticket};

use crate::installation::Installation;

/// Members in memory at once while a ticket is written.
const MEMBERS_AT_ONCE: u32 = 2_000;

/// What a ticket is called, everywhere.
pub(crate) fn reference(number: i64) -> String {
    format!("T-{number}")
}

/// The members of a ticket, all of them.
pub(crate) async fn members(
    installation: &Installation,
    ticket: &Ticket,
) -> Result<Vec<FailedMember>, StoreError> {
    let mut all = Vec::new();
    loop {
        let page = installation
            .store
            .ticket_members(ticket.number, all.len() as u64, MEMBERS_AT_ONCE)
            .await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// One row for each member.
pub(crate) fn as_csv(ticket: &Ticket, members: &[FailedMember]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "ticket",
        "cause",
        "domain",
        "rule",
        "rule_version",
        "tenant_id",
        "community_user_id",
        "username",
        "email",
        "company_custom",
    ])?;
    let (reference, version) = (reference(ticket.number), ticket.rule_version.to_string());
    for member in members {
        writer.write_record([
            reference.as_str(),
            member.why.as_str(),
            member.domain.as_deref().unwrap_or_default(),
            member.rule.as_deref().unwrap_or_default(),
            version.as_str(),
            member.tenant_id.as_str(),
            member.community_user_id.as_str(),
            &no_formula(&member.username),
            &no_formula(member.email.as_deref().unwrap_or_default()),
            &no_formula(member.company_custom.as_deref().unwrap_or_default()),
        ])?;
    }
    let written = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

/// What members typed is opened in a spreadsheet, which would take some texts for formulas.
fn no_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The causes, the most members first, and the members of each.
pub(crate) fn as_markdown(ticket: &Ticket, members: &[FailedMember]) -> String {
    let mut groups: BTreeMap<(WhyNot, Option<&str>), Vec<&FailedMember>> = BTreeMap::new();
    for member in members {
        let domain = member
            .domain
            .as_deref()
            .filter(|_| member.why == WhyNot::DomainUnknown);
        groups.entry((member.why, domain)).or_default().push(member);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    let mut text = format!(
        "# {}: {} without a company\n\nMade on {} by {}, under version {} of the rules. Chosen: {}.\n",
        reference(ticket.number),
        counted(members.len()),
        ticket.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        escaped(&ticket.by),
        ticket.rule_version,
        escaped(&ticket.selection),
    );
    for ((why, domain), members) in groups {
        let _ = write!(text, "\n## {}: ", counted(members.len()));
        match domain {
            Some(domain) => {
                let _ = writeln!(text, "{} belongs to no company", escaped(domain));
            }
            None => {
                let _ = writeln!(text, "{}", why.label().to_lowercase());
            }
        }
        text.push_str(
            "\n| Tenant | Member | Username | Email | Company, as typed |\n|---|---|---|---|---|\n",
        );
        for member in members {
            let cells = [
                Some(&member.tenant_id),
                Some(&member.community_user_id),
                Some(&member.username),
                member.email.as_ref(),
                member.company_custom.as_ref(),
            ];
            let cells = cells.map(|cell| cell.map_or_else(|| "–".to_owned(), |cell| escaped(cell)));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

fn counted(members: usize) -> String {
    crate::output::counted(members as u64, "member", "members")
}

/// Text that stays text: no cell ends, nothing becomes a link, a heading or a tag.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '&' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn member(id: &str, why: WhyNot, domain: &str) -> FailedMember {
        FailedMember {
            tenant_id: "customer-en".to_owned(),
            community_user_id: id.to_owned(),
            username: "=1|<b>".to_owned(),
            email: Some(format!("a@{domain}")),
            company_custom: None,
            why,
            domain: Some(domain.to_owned()),
            rule: None,
            candidates: Vec::new(),
            since: DateTime::UNIX_EPOCH,
            ticket: Some(7),
        }
    }

    fn ticket() -> (Ticket, Vec<FailedMember>) {
        let ticket = Ticket {
            number: 7,
            by: "admin@example.com".to_owned(),
            at: DateTime::UNIX_EPOCH,
            rule_version: 3,
            selection: "all".to_owned(),
            members: 3,
        };
        let members = vec![
            member("1", WhyNot::FreeMail, "gmail.com"),
            member("2", WhyNot::DomainUnknown, "acme.example"),
            member("3", WhyNot::DomainUnknown, "acme.example"),
        ];
        (ticket, members)
    }

    #[test]
    fn causes_are_grouped_the_most_members_first_and_text_stays_text() {
        let (ticket, members) = ticket();
        let text = as_markdown(&ticket, &members);
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(
            headings,
            [
                "# T-7: 3 members without a company",
                "## 2 members: acme.example belongs to no company",
                "## 1 member: free-mail address",
            ]
        );
        assert!(
            text.contains("version 3") && text.contains("| =1\\|\\<b\\> |"),
            "{text}"
        );
    }

    #[test]
    fn a_row_of_csv_is_no_formula() {
        let (ticket, members) = ticket();
        let text = as_csv(&ticket, &members).expect("CSV");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[2],
            "T-7,domain_unknown,acme.example,,3,customer-en,2,'=1|<b>,a@acme.example,"
        );
    }
}
