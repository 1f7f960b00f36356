//! `tributary rules …`

use std::{
    io::{self, IsTerminal},
    ops::ControlFlow,
    path::Path,
    process::ExitCode,
};

use chrono::{DateTime, Utc};
use domain::{
    MatchCounts,
    unification::{Changes, Preview, RuleSet},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use store::{RuleChange, RuleVersion, StoreError};

use crate::{
    accounts::operator,
    cli::{ApplyRules, Rules, RulesFile},
    error::CommandError,
    installation::Installation,
    operations::{
        rules::{self, RulesError},
        unify::match_everything,
    },
    output::{Output, counted, moment, say, table},
};

/// Changes that are listed; nobody reads more.
const HISTORY_MAX: u32 = 500;

const BAR: &str = "{spinner} Comparing members {wide_bar} {human_pos} of {human_len}";

/// Samples of each kind of change that are told in words; `--json` has all that are kept.
const SAMPLES_TOLD: usize = 5;

/// A version as it is printed, and as a file may hold it.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: i64,
    rules: RuleSet,
}

/// A file holds rules alone, or with the version that they were made from, as `rules show --json` prints it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given {
    Made(Document),
    Alone(RuleSet),
}

#[derive(Debug, Serialize)]
struct Used {
    version: i64,
    at: DateTime<Utc>,
    by: String,
    why: Option<String>,
    /// What it did to members, if that was known.
    effect: Option<String>,
    /// What differs from the version that decided before, one sentence each.
    changes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Applied {
    version: i64,
    members_matched: u64,
    matching: MatchCounts,
}

pub(crate) async fn run(
    installation: &Installation,
    command: &Rules,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        Rules::Show => show(installation, output).await?,
        Rules::Preview(RulesFile { file }) => preview(installation, file, output).await?,
        Rules::Apply(options) => apply(installation, options, output).await?,
        Rules::History => history(installation, output).await?,
        Rules::Undo { to, why } => {
            let base = rules::active(installation).await?.version;
            let earlier = installation.store.rules_of(*to).await?;
            let earlier = earlier.ok_or_else(|| refused(RulesError::NoSuchVersion(*to)))?;
            let change = change(installation, why.as_ref(), &earlier.rules).await?;
            let version = rules::return_to(installation, base, *to, &change, &operator(change.at)).await;
            matched(installation, version.map_err(refused)?, output).await?;
        }
        Rules::Restore { why } => {
            let base = rules::active(installation).await?.version;
            let rules = RuleSet::shipped();
            let change = change(installation, why.as_ref(), &rules).await?;
            let version = rules::apply(installation, base, &rules, &change, &operator(change.at)).await;
            matched(installation, version.map_err(refused)?, output).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(installation: &Installation, output: Output) -> Result<(), CommandError> {
    let RuleVersion { version, rules } = rules::active(installation).await?;
    output.data(&Document { version, rules }, |document| {
        let rows: Vec<_> = (1..)
            .zip(&document.rules.rules)
            .map(|(place, rule): (usize, _)| {
                let is_on = if rule.active { "on" } else { "off" };
                vec![
                    place.to_string(),
                    rule.id.clone(),
                    is_on.to_owned(),
                    rule.to_string(),
                ]
            })
            .collect();
        format!(
            "Version {} decides.\n\n{}",
            document.version,
            table(&["", "RULE", "", "A MEMBER IS TIED TO THE COMPANY IF"], &rows)
        )
    })
}

async fn history(installation: &Installation, output: Output) -> Result<(), CommandError> {
    rules::active(installation).await?;
    let uses = installation.store.rule_history(HISTORY_MAX).await?;
    let mut sets = Vec::new();
    for used in &uses {
        sets.push(rules_of(installation, used.version).await?);
    }
    let mut printed = Vec::new();
    for (place, used) in uses.into_iter().enumerate() {
        let before = sets.get(place + 1);
        printed.push(Used {
            version: used.version,
            at: used.at,
            by: used.by,
            why: used.why,
            effect: used.effect,
            changes: before.map_or_else(Vec::new, |before| sets[place].changes_since(before)),
        });
    }
    output.data(&printed, |printed| {
        let rows: Vec<_> = printed.iter().map(history_row).collect();
        table(&["VERSION", "SINCE", "BY", "EFFECT", "WHAT"], &rows)
    })
}

fn history_row(used: &Used) -> Vec<String> {
    let changes = used.changes.join("; ");
    let what = match &used.why {
        Some(why) if changes.is_empty() => why.clone(),
        Some(why) => format!("{why} ({changes})"),
        None => changes,
    };
    vec![
        used.version.to_string(),
        moment(Some(used.at)),
        used.by.clone(),
        used.effect.clone().unwrap_or_else(|| "–".to_owned()),
        what,
    ]
}

async fn rules_of(installation: &Installation, version: i64) -> Result<RuleSet, StoreError> {
    let found = installation.store.rules_of(version).await?;
    found
        .map(|found| found.rules)
        .ok_or_else(|| StoreError::Corrupt(format!("rule set {version} is gone")))
}

async fn preview(installation: &Installation, file: &Path, output: Output) -> Result<(), CommandError> {
    let (_, rules) = read(file)?;
    output.data(&previewed(installation, &rules).await?, describe)
}

/// What other rules would change, with a bar on a terminal. Nothing is written.
async fn previewed(installation: &Installation, rules: &RuleSet) -> Result<Preview, CommandError> {
    let bar = if io::stderr().is_terminal() {
        let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(rules::members(installation).await?).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let previewed = rules::preview(installation, rules, &mut |done| {
        bar.set_position(done);
        ControlFlow::Continue(())
    })
    .await;
    bar.finish_and_clear();
    previewed.map_err(refused)
}

async fn apply(
    installation: &Installation,
    options: &ApplyRules,
    output: Output,
) -> Result<(), CommandError> {
    let (made_from, rules) = read(&options.file)?;
    let base = match options.base.or(made_from) {
        Some(base) => base,
        None => rules::active(installation).await?.version,
    };
    rules::active(installation).await?;
    let change = change(installation, options.why.as_ref(), &rules).await?;
    let version = rules::apply(installation, base, &rules, &change, &operator(change.at)).await;
    matched(installation, version.map_err(refused)?, output).await
}

/// After the rules have changed. Cut off here, a worker goes on with it.
async fn matched(installation: &Installation, version: i64, output: Output) -> Result<(), CommandError> {
    say(&format!(
        "Version {version} decides. Comparing all members anew …"
    ));
    let members_matched = match_everything(installation).await?;
    let mut matching = MatchCounts::default();
    for connection in installation.store.connections().await? {
        let counts = installation.store.match_counts(connection.id).await?;
        matching.matched += counts.matched;
        matching.unmatched += counts.unmatched;
        matching.ambiguous += counts.ambiguous;
        matching.internal += counts.internal;
    }
    let applied = Applied {
        version,
        members_matched,
        matching,
    };
    output.data(&applied, |applied| {
        format!(
            "Version {}: {} compared. {}.",
            applied.version,
            counted(applied.members_matched, "member was", "members were"),
            counts(applied.matching)
        )
    })
}

/// With what it does to members, which is tried before: afterwards, what a sync brings meanwhile could not be told from it.
async fn change(
    installation: &Installation,
    why: Option<&String>,
    rules: &RuleSet,
) -> Result<RuleChange, CommandError> {
    let effect = previewed(installation, rules).await?.effect();
    Ok(RuleChange {
        by: super::OPERATOR.to_owned(),
        at: installation.clock.now(),
        why: why.cloned(),
        effect: Some(effect),
    })
}

fn read(file: &Path) -> Result<(Option<i64>, RuleSet), CommandError> {
    let unreadable = |why: String| {
        CommandError::usage(
            format!("{} holds no rules: {why}", file.display()),
            "Give a document such as `tributary rules show --json` prints. Nothing was changed.",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(Given::Made(made)) => Ok((Some(made.version), made.rules)),
        Ok(Given::Alone(rules)) => Ok((None, rules)),
        // Which of the two it was to be decides what is wrong with it.
        Err(_) => {
            let value: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
            let rules = value.get("rules").filter(|rules| rules.is_object()).cloned();
            let error = serde_json::from_value::<RuleSet>(rules.unwrap_or(value)).err();
            Err(unreadable(error.map_or_else(
                || "it has a field that is not known".to_owned(),
                |error| error.to_string(),
            )))
        }
    }
}

fn refused(error: RulesError) -> CommandError {
    match error {
        RulesError::Store(error) => error.into(),
        RulesError::Unusable(error) => CommandError::usage(
            format!("these rules cannot be used: {error}"),
            "Correct the document. Nothing was changed.",
        ),
        error @ RulesError::Overtaken(_) => CommandError::failed(
            error.to_string(),
            "Look at what changed (tributary rules history), make the change in the newest version (tributary rules show --json), and apply that.",
        ),
        error @ RulesError::NoSuchVersion(_) => CommandError::failed(
            error.to_string(),
            "See which there are with: tributary rules history",
        ),
        error @ RulesError::Cancelled => CommandError::failed(error.to_string(), "Nothing was changed."),
    }
}

fn counts(counts: MatchCounts) -> String {
    format!(
        "{} matched, {} unmatched, {} ambiguous, {} internal",
        counts.matched, counts.unmatched, counts.ambiguous, counts.internal
    )
}

fn describe(preview: &Preview) -> String {
    let mut lines = vec![
        format!("Now:   {}", counts(preview.now)),
        format!("After: {}", counts(preview.after)),
    ];
    for (words, changes) in [
        ("would get a company", &preview.gained),
        ("would lose theirs", &preview.lost),
        ("would move to another", &preview.moved),
        ("would become ambiguous", &preview.newly_ambiguous),
    ] {
        lines.push(format!(
            "{} {words}",
            counted(changes.members, "member", "members")
        ));
        lines.extend(samples(changes));
    }
    for (words, members) in [
        ("would have left", preview.leaving),
        ("would count again", preview.coming_back),
    ] {
        if members > 0 {
            lines.push(format!("{} {words}", counted(members, "member", "members")));
        }
    }
    lines.push("Nothing was changed. Apply it with: tributary rules apply FILE".to_owned());
    lines.join("\n")
}

fn samples(changes: &Changes) -> Vec<String> {
    let company = |outcome: &domain::unification::Match| {
        let company = outcome.company_external_id.as_deref();
        company.map_or_else(|| outcome.status.to_string(), str::to_owned)
    };
    let samples = changes.samples.iter().take(SAMPLES_TOLD);
    samples
        .map(|change| {
            format!(
                "  {} {} ({}): {} → {}",
                change.tenant_id,
                change.community_user_id,
                change.username,
                company(&change.before),
                company(&change.after)
            )
        })
        .collect()
}
