//! `tributary connection …`

use std::process::ExitCode;

use connector::{DECODER_VERSION, Probe};
use domain::{BaseUrl, Cause, Connection, TenantId};
use serde::Serialize;
use store::{Access, AddConnectionError, NewConnection};
use sync::Source;

use crate::{
    accounts::operator,
    cli::{self, AddConnection, RotateConnection},
    commands::mapping,
    documents::ConnectionDocument,
    error::{CommandError, Exit},
    installation::Installation,
    output::{Output, moment, table},
    worker::source::Sources,
};

pub(crate) async fn run(
    installation: &Installation,
    command: &cli::Connection,
    output: Output,
) -> Result<ExitCode, CommandError> {
    match command {
        cli::Connection::Add(options) => add(installation, options, output).await,
        cli::Connection::List => list(installation, output).await,
        cli::Connection::Test { tenant } => test(installation, tenant.as_ref(), output).await,
        cli::Connection::Activate { tenant } => activate(installation, tenant, output).await,
        cli::Connection::Deactivate { tenant } => deactivate(installation, tenant, output).await,
        cli::Connection::Rotate(options) => rotate(installation, options, output).await,
        cli::Connection::Map(options) => mapping::run(installation, options, output).await,
    }
}

async fn add(
    installation: &Installation,
    options: &AddConnection,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let tenant_id = options
        .tenant
        .tenant()
        .ok_or_else(|| CommandError::usage("no tenant is named", "Give --tenant-id or --control-url."))?;
    check_base_url(installation, &options.base_url)?;
    let secret = options.secret.read()?;
    let sealing = installation.keys.sealing()?;
    let sealed_secret = sealing.seal(&tenant_id, &secret);
    let now = installation.clock.now();
    let new = NewConnection {
        connection: Connection {
            id: installation.ids.connection_id(now),
            name: options.name.clone().unwrap_or_else(|| tenant_id.to_string()),
            tenant_id,
            base_url: options.base_url.clone(),
            client_id: options.client_id.clone(),
            deactivated_at: None,
            activity_source: None,
            created_at: now,
        },
        sealed_secret,
        decoder: DECODER_VERSION,
    };
    installation
        .store
        .add_connection(&new, &operator(now))
        .await
        .map_err(not_added)?;
    drop(sealing);
    output.data(&ConnectionDocument::from(&new.connection), |added| {
        format!(
            "{} is connected. Try the credentials with: tributary connection test {}",
            added.tenant_id, added.tenant_id
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What can be told of a base URL before its name is looked up.
fn check_base_url(installation: &Installation, base_url: &BaseUrl) -> Result<(), CommandError> {
    installation
        .allowed
        .check(&base_url.join("/"))
        .map_err(|refused| {
            let next = refused.entry().map_or_else(
            || "Give a base URL that begins with https://.".to_owned(),
            |entry| {
                format!(
                    "Correct --base-url; or, if this is where the tenant's API is, let it pass by setting \
                     TRIBUTARY_ALLOW_HOSTS={entry} for this and every later command."
                )
            },
        );
            CommandError::usage(
                format!("the base URL {base_url} is refused: {refused}; nothing was changed"),
                next,
            )
        })
}

fn not_added(error: AddConnectionError) -> CommandError {
    let what = format!("{error}; nothing was changed");
    match error {
        AddConnectionError::TenantExists(tenant) => CommandError::failed(
            what,
            format!(
                "Give it a new secret with: tributary connection rotate {tenant} --client-secret-file FILE"
            ),
        ),
        AddConnectionError::ClientIdInUse(_) => CommandError::failed(
            what,
            "Give each tenant its own API credentials: the client id chooses the tenant.",
        ),
        AddConnectionError::Store(error) => error.into(),
    }
}

async fn list(installation: &Installation, output: Output) -> Result<ExitCode, CommandError> {
    let connections = installation.store.connections().await?;
    let printed: Vec<ConnectionDocument> = connections.iter().map(ConnectionDocument::from).collect();
    output.data(&printed, |connections| {
        if connections.is_empty() {
            return "No connection yet. Add one with: tributary connection add".to_owned();
        }
        let rows: Vec<Vec<String>> = connections
            .iter()
            .map(|connection| {
                vec![
                    connection.tenant_id.clone(),
                    connection.name.clone(),
                    connection.base_url.clone(),
                    connection.client_id.clone(),
                    if connection.active {
                        "active".to_owned()
                    } else {
                        format!("deactivated {}", moment(connection.deactivated_at))
                    },
                ]
            })
            .collect();
        table(&["TENANT", "NAME", "BASE URL", "CLIENT ID", "STATE"], &rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Tested {
    tenant_id: String,
    ok: bool,
    /// What the credentials can read.
    answers: Option<Probe>,
    cause: Option<Cause>,
    requests: u64,
}

async fn test(
    installation: &Installation,
    tenant: Option<&TenantId>,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let sources = Sources::new(installation)?;
    let alone = tenant.is_some();
    let connections = if let Some(tenant) = tenant {
        vec![installation.connection(tenant).await?]
    } else {
        installation.store.connections().await?
    };
    let mut tested = Vec::new();
    for connection in &connections {
        let one = test_one(&sources, connection).await?;
        // They were sent with the same credentials, so the next requests of a sync pay for them.
        let store = &installation.store;
        store.charge_requests(connection.id, one.requests).await?;
        tested.push(one);
    }
    match tested.as_slice() {
        [one] if alone => output.data(one, describe_test)?,
        all => output.data(&all, |all| {
            all.iter().map(describe_test).collect::<Vec<_>>().join("\n")
        })?,
    }
    Ok(if tested.iter().all(|tested| tested.ok) {
        ExitCode::SUCCESS
    } else {
        Exit::Failed.into()
    })
}

async fn test_one(sources: &Sources, connection: &Connection) -> Result<Tested, CommandError> {
    let tenant_id = connection.tenant_id.to_string();
    let (answer, requests) = match sources.api(connection.id).await?.1 {
        Ok(api) => (api.probe().await, api.take_requests()),
        Err(failure) => (Err(failure), 0),
    };
    let (answers, cause) = match answer {
        Ok(answers) => (Some(answers), None),
        Err(failure) => (None, Some(Cause::new(failure.code, &tenant_id, failure.message))),
    };
    Ok(Tested {
        ok: cause.is_none(),
        tenant_id,
        answers,
        cause,
        requests,
    })
}

fn describe_test(tested: &Tested) -> String {
    match (&tested.answers, &tested.cause) {
        (Some(answers), _) => format!("{}: the credentials work.\n{answers}", tested.tenant_id),
        (None, None) => tested.tenant_id.clone(),
        (None, Some(cause)) => format!(
            "{}: {} ({})\nnext:  {}",
            tested.tenant_id, cause.message, cause.code, cause.next_action
        ),
    }
}

async fn activate(
    installation: &Installation,
    tenant: &TenantId,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(tenant).await?;
    let by = operator(installation.clock.now());
    installation.store.activate(connection.id, &by).await?;
    print_changed(
        installation,
        tenant,
        output,
        "is active; its next sync comes at its daily time",
    )
    .await
}

async fn deactivate(
    installation: &Installation,
    tenant: &TenantId,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(tenant).await?;
    let by = operator(installation.clock.now());
    installation.store.deactivate(connection.id, &by).await?;
    print_changed(
        installation,
        tenant,
        output,
        "is deactivated; its stored rows stay",
    )
    .await
}

async fn rotate(
    installation: &Installation,
    options: &RotateConnection,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let tenant = &options.tenant;
    let connection = installation.connection(tenant).await?;
    if let Some(base_url) = &options.base_url {
        check_base_url(installation, base_url)?;
    }
    let secret = options.secret.read()?;
    let sealing = installation.keys.sealing()?;
    let access = Access {
        base_url: options.base_url.clone().unwrap_or(connection.base_url),
        client_id: options.client_id.clone().unwrap_or(connection.client_id),
        sealed_secret: sealing.seal(tenant, &secret),
    };
    installation
        .store
        .replace_access(connection.id, &access, &operator(installation.clock.now()))
        .await
        .map_err(not_added)?;
    drop(sealing);
    let what = "has its new credentials; try them with: tributary connection test";
    print_changed(installation, tenant, output, what).await
}

async fn print_changed(
    installation: &Installation,
    tenant: &TenantId,
    output: Output,
    what: &str,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(tenant).await?;
    output.data(&ConnectionDocument::from(&connection), |changed| {
        format!("{} {what}.", changed.tenant_id)
    })?;
    Ok(ExitCode::SUCCESS)
}
