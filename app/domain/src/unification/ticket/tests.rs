use proptest::prelude::*;

use super::*;
use crate::unification::{Candidate, MatchStatus};

const PAGE: &str = "https://tributary.example/administration/general/unification/ticket?number=T-12";

fn opened() -> Ticket {
    let head = TicketHead {
        reference: ticket_reference(12),
        opened_at: DateTime::from_timestamp(1_793_000_000, 0).unwrap(),
        opened_by: "admin@example.com".to_owned(),
        rule_version: 7,
        selection: "domain acme.io".to_owned(),
    };
    Ticket::new(head, &RuleSet::shipped())
}

fn member(id: &str, username: &str) -> Member {
    Member {
        tenant_id: "customer-de".to_owned(),
        community_user_id: id.to_owned(),
        username: username.to_owned(),
        email: Some(format!("{id}@acme.io")),
        ..Member::default()
    }
}

fn why(cause: WhyNot, domain: &str) -> Match {
    Match {
        why_not: Some(cause),
        domain: Some(domain.to_owned()),
        ..Match::default()
    }
}

const DOCUMENT: &str = "\
# T-12: 3 members without a company

Opened 2026-10-26T07:33:20Z by `admin@example.com`. Matched by version 7 of the rules. Chosen: `domain acme.io`.

| Members | Cause | What would help |
|---:|---|---|
| 2 | `acme.io`: no company has this domain | Create company or Add domain |
| 1 | `twin.example`: several companies come into question | Link by hand or Change the rules |

## 2 members of `acme.io`: no company has this domain

Create a company with this domain, or add the domain to the company that has it.

| Member | Connection | Id | Email | Company, as typed | Candidates |
|---|---|---|---|---|---|
| `ann` | `customer-de` | `1` | `1@acme.io` | – |  |
| `bob` | `customer-de` | `2` | `2@acme.io` | – |  |

## 1 member of `twin.example`: several companies come into question

Keep the value with one of the companies or persons, let a rule that can tell them apart decide first, or link by hand.

| Member | Connection | Id | Email | Company, as typed | Candidates |
|---|---|---|---|---|---|
| `eve` | `customer-de` | `3` | `3@acme.io` | – | `a`, `b` |

## Version 7 of the rules

1. Email is exactly a person's email
2. Email domain is one of a company's domains
3. Email domain's name equals, without legal forms, a company's name
4. Phone is exactly a person's phone
5. Full name equals a person's full name (off)
";

#[test]
fn a_ticket_says_who_why_and_what_would_help() {
    let mut ticket = opened();
    assert!(ticket.add(&member("2", "bob"), &why(WhyNot::DomainUnknown, "acme.io")));
    assert!(ticket.add(&member("1", "ann"), &why(WhyNot::DomainUnknown, "acme.io")));
    let mut twin = why(WhyNot::Ambiguous, "twin.example");
    twin.status = MatchStatus::Ambiguous;
    twin.candidates = ["a", "b", "b"]
        .map(|id| Candidate {
            company_external_id: Some(id.to_owned()),
            person_external_id: None,
        })
        .into();
    assert!(ticket.add(&member("3", "eve"), &twin));
    let mut matched = why(WhyNot::FreeMail, "gmail.com");
    matched.why_not = None;
    assert!(!ticket.add(&member("4", "has a company"), &matched));
    assert_eq!(ticket.markdown(), DOCUMENT);
    assert_eq!(
        ticket_row("T-12", 7, &member("3", "=eve"), &twin)[..11],
        [
            "T-12",
            "7",
            "customer-de",
            "3",
            "=eve",
            "3@acme.io",
            "",
            "ambiguous",
            "twin.example",
            "",
            "a;b"
        ]
    );
    assert_eq!(TICKET_COLUMNS[10], "candidates");
    assert!(
        ticket
            .mail_link(PAGE)
            .starts_with("mailto:?subject=T-12%3A%203%20members%20without%20a%20company&body=")
    );
}

#[test]
fn many_members_are_counted_and_the_first_listed_in_any_order() {
    let of = |ids: &mut dyn Iterator<Item = u32>| {
        let mut ticket = opened();
        for id in ids {
            ticket.add(
                &member(&format!("{id:04}"), "x"),
                &why(WhyNot::FreeMail, "gmail.com"),
            );
        }
        ticket
    };
    let forward = of(&mut (0..1_500));
    assert_eq!(forward, of(&mut (0..1_500).rev()));
    let text = forward.markdown();
    assert!(text.contains("And 1,450 more, which the CSV file lists."));
    assert!(text.contains("`0049`") && !text.contains("`0050`"));
}

#[test]
fn a_mail_link_stays_short_and_says_what_it_leaves_out() {
    let mut ticket = opened();
    for id in 0..500_u32 {
        let domain = format!("domain-{id}.example");
        ticket.add(
            &member(&id.to_string(), "x"),
            &why(WhyNot::DomainUnknown, &domain),
        );
    }
    let link = ticket.mail_link(PAGE);
    assert!(link.len() <= MAIL_LINK_MAX_CHARS, "{}", link.len());
    assert!(
        link.contains("causes%20more") && link.contains(&encoded(PAGE)),
        "{link}"
    );
    let text = ticket.markdown();
    assert!(text.contains("And 400 causes more, which the CSV file has."));
    assert_eq!(text.matches("\n## 1 member of").count(), GROUPS_MAX);
}

#[test]
fn a_reference_is_read_back_with_or_without_its_letter() {
    assert_eq!(ticket_number(&ticket_reference(7)), Some(7));
    assert_eq!(ticket_number("7"), Some(7));
    for not_one in ["", "T-", "T-0", "T--1", "t-7", "T-7.csv"] {
        assert_eq!(ticket_number(not_one), None, "{not_one}");
    }
}

/// The cells of a row as GitHub reads them: a bar ends one unless a backslash is before it that is none itself.
fn cells(row: &str) -> usize {
    let (mut bars, mut escaped) = (0, false);
    for c in row.chars() {
        bars += usize::from(c == '|' && !escaped);
        escaped = c == '\\' && !escaped;
    }
    bars - 1
}

/// The text of a cell outside of code.
fn outside_of_code(cell: &str) -> String {
    let mut outside = String::new();
    let mut rest = cell;
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let fence = rest[start..].chars().take_while(|c| *c == '`').count();
        let inside = &rest[start + fence..];
        // It ends at as many backticks, no more and no fewer.
        let mut end = 0;
        loop {
            let Some(next) = inside[end..].find('`') else {
                return outside + rest;
            };
            let run = inside[end + next..].chars().take_while(|c| *c == '`').count();
            end += next + run;
            if run == fence {
                break;
            }
        }
        rest = &inside[end..];
    }
    outside + rest
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(
            &[
                "|",
                "\\",
                "\\|",
                "`",
                "``",
                "\n",
                "\r\n| a |",
                "[x](http://evil)",
                "<script>",
                "![",
                "**",
                "www.evil.com",
                "http://evil",
                "a@evil.com",
                "\u{202e}",
                "\u{2028}",
                "# ",
                " ",
                "{{",
                "&bar;",
                "~~",
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_that_a_member_typed_is_markup(username in hostile(), email in hostile(), id in hostile()) {
        let mut ticket = opened();
        let member = Member { username, email: Some(email), ..member(&id, "") };
        ticket.add(&member, &why(WhyNot::NoEmail, "acme.io"));
        let text = ticket.markdown();
        // One row for the member, as many lines as ever.
        prop_assert_eq!(text.lines().count(), opened_with_one().markdown().lines().count());
        let row = listed(&member, &why(WhyNot::NoEmail, "acme.io"));
        prop_assert_eq!(row.matches('\n').count(), 1);
        prop_assert_eq!(cells(&row), 6, "{}", row);
        let outside = outside_of_code(row.trim_end());
        prop_assert!(outside.chars().all(|c| c.is_ascii_alphanumeric() || " |,–".contains(c)), "{}", outside);
        prop_assert!(text.len() < 4_000);
        let link = ticket.mail_link(PAGE);
        prop_assert!(link.len() <= MAIL_LINK_MAX_CHARS && link.is_ascii() && !link.contains(['\r', '\n', ' ']));
    }
}

fn opened_with_one() -> Ticket {
    let mut ticket = opened();
    ticket.add(&member("1", "ann"), &why(WhyNot::NoEmail, "acme.io"));
    ticket
}
