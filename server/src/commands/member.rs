//! `tributary member …`

use std::{fmt::Write as _, process::ExitCode};

use chrono::{DateTime, Utc};
use domain::{
    Connection,
    unification::{Explanation, LeftBecause, Match, RuleOutcome, RuleResult},
};
use serde::Serialize;
use store::{Bounce, Left, Link, MemberTie};

use crate::{
    accounts::operator,
    cli::{Member, MemberName},
    commands::{OPERATOR, parties},
    error::CommandError,
    installation::Installation,
    operations::{
        leaving,
        unify::{count_trends, match_connection},
    },
    output::{Output, moment},
};

/// Former matches that are listed.
const HISTORY_MAX: u32 = 200;

/// All that there is to say of a member's tie.
#[derive(Debug, Serialize)]
struct Printed {
    tenant_id: String,
    community_user_id: String,
    username: String,
    email: Option<String>,
    /// As it is stored.
    #[serde(rename = "match")]
    outcome: Option<Match>,
    rule_version: Option<i64>,
    decided_at: Option<DateTime<Utc>>,
    link: Option<ByHand>,
    left: Option<Leaving>,
    /// An admin said that they are still with their company, whatever the rules say.
    stays: Option<Said>,
    formerly_left: Vec<FormerlyLeft>,
    /// What the rules that decide now make of the member.
    by_rules: Explanation,
    history: Vec<Former>,
}

#[derive(Debug, Serialize)]
struct ByHand {
    company_external_id: Option<String>,
    person_external_id: Option<String>,
    #[serde(flatten)]
    said: Said,
}

#[derive(Debug, Serialize)]
struct Said {
    reason: String,
    by: String,
    at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Leaving {
    because: LeftBecause,
    #[serde(flatten)]
    said: Said,
}

#[derive(Debug, Serialize)]
struct FormerlyLeft {
    #[serde(flatten)]
    left: Leaving,
    until: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Former {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    rule_version: i64,
    #[serde(flatten)]
    outcome: Match,
}

pub(crate) async fn run(
    installation: &Installation,
    command: &Member,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let name = match command {
        Member::Bounces(options) => return parties::import::<Bounce>(installation, options, output).await,
        Member::Why(name) | Member::Rules(name) | Member::Back(name) => name,
        Member::Link { member, .. } | Member::Unlink { member, .. } | Member::Left { member, .. } => member,
    };
    let connection = installation.connection(&name.tenant).await?;
    if !carry_out(installation, &connection, name, command).await? {
        return Err(unknown(name));
    }
    match_connection(installation, connection.id).await?;
    count_trends(installation).await?;
    let tie = installation
        .store
        .member_tie(connection.id, &name.user_id, HISTORY_MAX)
        .await?;
    let tie = tie.ok_or_else(|| unknown(name))?;
    let store = installation.store.as_ref();
    let known = installation
        .unifier
        .known(store, installation.clock.as_ref())
        .await?;
    let explanation = known.matcher.explain(&tie.due.member);
    output.data(&printed(tie, explanation), describe)?;
    Ok(ExitCode::SUCCESS)
}

/// False if there is no such member.
async fn carry_out(
    installation: &Installation,
    connection: &Connection,
    name: &MemberName,
    command: &Member,
) -> Result<bool, CommandError> {
    let (store, id, at) = (
        &installation.store,
        name.user_id.as_str(),
        installation.clock.now(),
    );
    let (by, doer) = (OPERATOR.to_owned(), operator(at));
    Ok(match command {
        Member::Why(_) | Member::Bounces(_) => true,
        Member::Link {
            company,
            person,
            reason,
            ..
        } => {
            check_parties(installation, company, person.as_deref()).await?;
            let link = Link {
                company_external_id: Some(company.clone()),
                person_external_id: person.clone(),
                reason: reason.reason.clone(),
                by,
                at,
            };
            store.set_link(connection.id, id, Some(&link), &doer).await?
        }
        Member::Unlink { reason, .. } => {
            let link = Link {
                company_external_id: None,
                person_external_id: None,
                reason: reason.reason.clone(),
                by,
                at,
            };
            store.set_link(connection.id, id, Some(&link), &doer).await?
        }
        Member::Rules(_) => {
            store.set_link(connection.id, id, None, &doer).await?
                && store.set_stays(connection.id, id, None, &doer).await?
        }
        Member::Left { reason, .. } => {
            leaving::mark(installation, connection.id, id, &reason.reason, OPERATOR, &doer).await?
        }
        Member::Back(_) => leaving::count_again(installation, connection.id, id, OPERATOR, &doer).await?,
    })
}

async fn check_parties(
    installation: &Installation,
    company: &str,
    person: Option<&str>,
) -> Result<(), CommandError> {
    if installation.store.company(company).await?.is_none() {
        return Err(CommandError::failed(
            format!("there is no company {company:?}"),
            "Give the external id of a company that was imported. Nothing was changed.",
        ));
    }
    if let Some(person) = person
        && installation.store.person(person).await?.is_none()
    {
        return Err(CommandError::failed(
            format!("there is no person {person:?}"),
            "Give the external id of a person who was imported. Nothing was changed.",
        ));
    }
    Ok(())
}

fn unknown(name: &MemberName) -> CommandError {
    CommandError::failed(
        format!("{} has no member {:?}", name.tenant, name.user_id),
        format!(
            "Give the member's id in the community; see them with: tributary export users --tenant {}",
            name.tenant
        ),
    )
}

fn printed(tie: MemberTie, by_rules: Explanation) -> Printed {
    let member = tie.due.member;
    let stored = tie.stored.as_ref();
    Printed {
        rule_version: stored.map(|stored| stored.rule_version),
        decided_at: stored.map(|stored| stored.decided_at),
        outcome: tie.due.before,
        tenant_id: member.tenant_id,
        community_user_id: member.community_user_id,
        username: member.username,
        email: member.email,
        link: tie.due.link.map(|link| ByHand {
            company_external_id: link.company_external_id,
            person_external_id: link.person_external_id,
            said: Said {
                reason: link.reason,
                by: link.by,
                at: link.at,
            },
        }),
        left: tie.left.map(told),
        stays: tie.stays.map(|stays| Said {
            reason: stays.reason,
            by: stays.by,
            at: stays.at,
        }),
        formerly_left: tie
            .formerly_left
            .into_iter()
            .map(|before| FormerlyLeft {
                left: told(before.left),
                until: before.until,
            })
            .collect(),
        by_rules,
        history: tie
            .history
            .into_iter()
            .map(|former| Former {
                since: former.stored.decided_at,
                until: former.until,
                rule_version: former.stored.rule_version,
                outcome: former.stored.outcome,
            })
            .collect(),
    }
}

fn told(left: Left) -> Leaving {
    Leaving {
        because: left.because,
        said: Said {
            reason: left.reason,
            by: left.by,
            at: left.at,
        },
    }
}

fn describe(printed: &Printed) -> String {
    let mut text = format!(
        "{} {} ({}): {}\n",
        printed.tenant_id,
        printed.community_user_id,
        printed.username,
        printed
            .outcome
            .as_ref()
            .map_or_else(|| "not matched yet".to_owned(), tied_to)
    );
    if let Some(link) = &printed.link {
        let _ = writeln!(
            text,
            "By hand, by {} on {}: {}",
            link.said.by,
            moment(Some(link.said.at)),
            link.said.reason
        );
    }
    text.push_str(&leaving_words(printed));
    for rule in &printed.by_rules.rules {
        let _ = writeln!(
            text,
            "{:>3}. {}: {}",
            rule.position,
            rule.sentence,
            what_it_did(rule)
        );
    }
    for former in &printed.history {
        let _ = writeln!(
            text,
            "Until {}: {}",
            moment(Some(former.until)),
            tied_to(&former.outcome)
        );
    }
    text
}

fn leaving_words(printed: &Printed) -> String {
    let said = |said: &Said| format!("{} ({}, {})", said.reason, said.by, moment(Some(said.at)));
    let mut text = String::new();
    if let Some(left) = &printed.left {
        let _ = writeln!(text, "Has left: {}", said(&left.said));
    }
    if let Some(stays) = &printed.stays {
        let _ = writeln!(text, "Counts, whatever the rules say: {}", said(stays));
    }
    for before in &printed.formerly_left {
        let until = moment(Some(before.until));
        let _ = writeln!(text, "Had left until {until}: {}", said(&before.left.said));
    }
    text
}

fn tied_to(outcome: &Match) -> String {
    let mut text = outcome.status.to_string();
    if let Some(company) = &outcome.company_external_id {
        let _ = write!(text, " to {company}");
    }
    if let Some(person) = &outcome.person_external_id {
        let _ = write!(text, ", person {person}");
    }
    match (&outcome.rule, outcome.why_not) {
        (_, Some(why)) => {
            let _ = write!(text, ": {}", why.label());
        }
        (Some(rule), None) => {
            let _ = write!(text, " by {rule}");
        }
        (None, None) => {}
    }
    text
}

fn what_it_did(rule: &RuleOutcome) -> String {
    let values: Vec<String> = rule
        .values
        .iter()
        .flat_map(|value| value.compared.clone())
        .collect();
    let compared = if values.is_empty() {
        String::new()
    } else {
        format!(" [{}]", values.join(", "))
    };
    let result = match &rule.result {
        RuleResult::Off => "off".to_owned(),
        RuleResult::NotReached => "not reached".to_owned(),
        RuleResult::ValueMissing { field } => format!("skipped, the member has no {}", field.label()),
        RuleResult::ValueUnreadable { field } => format!("skipped, {} cannot be read", field.label()),
        RuleResult::FreeMail { domain } => format!("skipped, {domain} is a free-mail domain"),
        RuleResult::NoCandidate => "nobody".to_owned(),
        RuleResult::TooCommon { field } => format!("{} is like too many names", field.label()),
        RuleResult::PersonWithoutCompany { person_external_id } => {
            format!("person {person_external_id}, who has no company")
        }
        RuleResult::SeveralWithoutCompany { candidates } => {
            format!("{} persons, none with a company", candidates.len())
        }
        RuleResult::Ambiguous { candidates, .. } => {
            format!("ambiguous, {} candidates", candidates.len())
        }
        RuleResult::Decided {
            company_external_id, ..
        } => format!("decided for {company_external_id}"),
    };
    format!("{result}{compared}")
}
