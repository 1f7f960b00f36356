//! `tributary doctor`: one line for each thing that a sync or the console needs, and what to do about it.

use std::{process::ExitCode, sync::Arc};

use connector::DECODER_VERSION;
use serde::Serialize;
use store_postgres::Channel;

use crate::{
    cli::{Cli, Doctor},
    commands::CLOSE_DEADLINE,
    error::{CommandError, Exit, with_sources},
    http::Site,
    installation::{Keys, Opened, Places},
    output::Output,
    secrets::KeyRing,
    sign_on::SignOn,
    system::SystemClock,
    worker::source::asking,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Works, but not as it should.
    Warning,
    Failed,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    message: String,
    next_action: Option<String>,
}

pub(crate) async fn run(cli: &Cli, options: &Doctor, output: Output) -> Result<ExitCode, CommandError> {
    let places = Places::of(&cli.database, &cli.key_file)?;
    let mut checks = database(&places).await;
    checks.extend([key_file(&places), site(&Site::locate(&options.http))]);
    checks.extend(identity_provider(cli, options, &places).await?);
    output.data(&checks, |checks| {
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    let failed = checks.iter().any(|check| check.verdict == Verdict::Failed);
    Ok(if failed {
        Exit::Failed.into()
    } else {
        ExitCode::SUCCESS
    })
}

/// Whether it answers, and whether what it holds has been read by this version.
async fn database(places: &Places) -> Vec<Check> {
    let name = &places.database;
    let failed = |message: String| Check {
        name: "database",
        verdict: Verdict::Failed,
        message,
        next_action: Some("Do what the message says, or name another with --database-url.".to_owned()),
    };
    let opened = match Opened::open(name, places.connections).await {
        Ok(opened) => opened,
        Err(error) => return vec![failed(error.what().to_owned())],
    };
    let store = opened.store();
    let answer = store.ping().await;
    let due = store.replays_due(DECODER_VERSION, None).await;
    let channel = opened.channel().await;
    // The answer is known; what was committed is safe however this ends.
    let _ = tokio::time::timeout(CLOSE_DEADLINE, opened.close()).await;
    match answer.and(due).and_then(|due| Ok((due, channel?))) {
        Ok((due, channel)) => {
            let answers = Check {
                name: "database",
                verdict: Verdict::Ok,
                message: format!("{name} answers and is of this version"),
                next_action: None,
            };
            let mut checks = vec![answers];
            checks.extend(channel.as_ref().map(encryption));
            checks.push(replays(due.len()));
            checks
        }
        Err(error) => vec![failed(format!(
            "{name} does not answer: {}",
            with_sources(&error)
        ))],
    }
}

fn encryption(channel: &Channel) -> Check {
    let check = |verdict, message: String, next: Option<&str>| Check {
        name: "connection to the database",
        verdict,
        message,
        next_action: next.map(str::to_owned),
    };
    match channel {
        Channel::Socket => check(Verdict::Ok, "a socket of this machine".to_owned(), None),
        Channel::Encrypted {
            protocol,
            verified: true,
        } => {
            let message = format!("encrypted ({protocol}), with a server whose certificate was verified");
            check(Verdict::Ok, message, None)
        }
        Channel::Encrypted { protocol, .. } => check(
            Verdict::Warning,
            format!("encrypted ({protocol}), but whose certificate that is was not verified"),
            Some(
                "Add sslmode=verify-full to the database URL (and sslrootcert=FILE for an authority of your own).",
            ),
        ),
        Channel::Clear => check(
            Verdict::Warning,
            "not encrypted: whoever sits in between can read and change what passes".to_owned(),
            Some("Let the server offer TLS (ssl = on), and add sslmode=verify-full to the database URL."),
        ),
    }
}

fn replays(due: usize) -> Check {
    let check = |verdict, message, next_action| Check {
        name: "stored records",
        verdict,
        message,
        next_action,
    };
    if due == 0 {
        let message = "all were read by this version and by the mapping of today".to_owned();
        return check(Verdict::Ok, message, None);
    }
    let message = format!("those of {due} connections were read by an earlier version or another mapping");
    let next = "Nothing while a worker runs: it reads them anew by itself. Else run: tributary replay";
    check(Verdict::Warning, message, Some(next.to_owned()))
}

fn key_file(places: &Places) -> Check {
    let path = &places.key_file;
    let check = |verdict, message, next_action| Check {
        name: "key file",
        verdict,
        message,
        next_action,
    };
    if !path.exists() {
        let message = format!("{} will be made with the first connection", path.display());
        return check(Verdict::Ok, message, None);
    }
    match KeyRing::load(path) {
        Ok(keys) if !keys.former().is_empty() => {
            let message = format!(
                "{} holds a former key: a change of keys was not finished",
                path.display()
            );
            let next = "Run: tributary secrets rotate. It goes on where it was.".to_owned();
            check(Verdict::Warning, message, Some(next))
        }
        Ok(_) => {
            let message = format!("{} is readable by its owner alone", path.display());
            check(Verdict::Ok, message, None)
        }
        Err(error) => check(Verdict::Failed, error.to_string(), Some(error.next_action())),
    }
}

/// Pages work without them, and syncs need none.
fn site(site: &Site) -> Check {
    let folder = site.root.display();
    if site.found {
        return Check {
            name: "site files",
            verdict: Verdict::Ok,
            message: format!("{folder} holds the console's files"),
            next_action: None,
        };
    }
    Check {
        name: "site files",
        verdict: Verdict::Warning,
        message: format!("the console's files are not in {folder}: its pages have no style and no scripts"),
        next_action: Some(
            "Run: cargo leptos build --release. Or name their folder with --site-root.".to_owned(),
        ),
    }
}

/// Whether it announces what is needed for signing on, where that is set up.
async fn identity_provider(
    cli: &Cli,
    options: &Doctor,
    places: &Places,
) -> Result<Option<Check>, CommandError> {
    let Some(settings) = options.http.sign_on.settings(&options.http.console)? else {
        return Ok(None);
    };
    let issuer = settings.issuer.clone();
    let keys = Keys::of(places.key_file.clone());
    let asking = asking(&cli.outbound.allow_hosts)?;
    let checked = SignOn::new(settings, asking, keys, Arc::new(SystemClock))
        .check()
        .await;
    let check = |verdict, message, next_action| Check {
        name: "identity provider",
        verdict,
        message,
        next_action,
    };
    Ok(Some(match checked {
        Ok(()) => check(
            Verdict::Ok,
            format!("{issuer} answers and announces its keys"),
            None,
        ),
        Err(failure) => check(
            Verdict::Failed,
            format!("nobody can sign on at {issuer}: {}", failure.detail),
            Some("Check TRIBUTARY_SIGN_ON_ISSUER, and that this machine may ask it.".to_owned()),
        ),
    }))
}

fn line(check: &Check) -> String {
    let word = match check.verdict {
        Verdict::Ok => "ok     ",
        Verdict::Warning => "warning",
        Verdict::Failed => "failed ",
    };
    match &check.next_action {
        None => format!("{word}  {}: {}", check.name, check.message),
        Some(next) => format!("{word}  {}: {}\n         next: {next}", check.name, check.message),
    }
}
