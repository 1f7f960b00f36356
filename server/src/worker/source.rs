//! From a stored connection to the source that a sync reads.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{AllowedHosts, Asking, CommunityApi, Credentials, HttpClient};
use domain::{CauseCode, Connection, ConnectionId, TenantId};
use secrecy::SecretString;
use store::{Store, StoreError};
use sync::{Clock, Failure, Fetched, Lookup, PageRequest, Presence, Source};

use crate::{
    error::CommandError,
    installation::{Installation, Keys},
    metrics::Metrics,
};

fn client(allowed: &AllowedHosts) -> Result<HttpClient, CommandError> {
    HttpClient::new(allowed).map_err(|error| {
        CommandError::failed(
            format!("the HTTP client cannot be made: {error}"),
            "Check the machine's TLS certificates, then run the command again.",
        )
    })
}

/// Asks others than tenants' providers.
pub(crate) fn asking(allowed: &AllowedHosts) -> Result<Asking, CommandError> {
    client(allowed).map(Asking::new)
}

/// Makes sources. One HTTP client serves them all.
#[derive(Clone)]
pub(crate) struct Sources {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    client: HttpClient,
    metrics: Metrics,
}

impl Sources {
    pub(crate) fn new(installation: &Installation) -> Result<Self, CommandError> {
        let client = client(&installation.allowed)?;
        Ok(Self {
            store: Arc::clone(&installation.store),
            clock: Arc::clone(&installation.clock),
            keys: installation.keys.clone(),
            metrics: installation.metrics.clone(),
            client,
        })
    }

    /// A connection with its source. If its secret cannot be opened, the source says so when it connects, so that the run
    /// fails at that stage and for that cause, like for any other.
    pub(crate) async fn of(&self, id: ConnectionId) -> Result<(Connection, Box<dyn Source>), StoreError> {
        let (connection, api) = self.api(id).await?;
        let source: Box<dyn Source> = match api {
            Ok(api) => Box::new(Counted {
                source: api,
                tenant: connection.tenant_id.clone(),
                metrics: self.metrics.clone(),
            }),
            Err(failure) => Box::new(Unopened(failure)),
        };
        Ok((connection, source))
    }

    /// A connection with its tenant's API, or why its secret cannot be opened.
    pub(crate) async fn api(
        &self,
        id: ConnectionId,
    ) -> Result<(Connection, Result<CommunityApi, Failure>), StoreError> {
        let access = self.store.tenant_access(id).await?;
        let access = access.ok_or_else(|| StoreError::Corrupt(format!("there is no connection {id}")))?;
        let connection = access.connection;
        let secret = self.keys.open(&connection.tenant_id, &access.sealed_secret);
        let api = secret
            .map(|secret| self.with_secret(&connection, secret).with_mapping(access.mapping))
            .map_err(|error| Failure {
                code: CauseCode::SecretUnreadable,
                message: format!("The client secret cannot be read: {error}."),
                retry_after: None,
            });
        Ok((connection, api))
    }

    fn with_secret(&self, connection: &Connection, client_secret: SecretString) -> CommunityApi {
        CommunityApi::new(
            self.client.clone(),
            connection.tenant_id.clone(),
            connection.base_url.clone(),
            Credentials {
                client_id: connection.client_id.clone(),
                client_secret,
            },
            Arc::clone(&self.clock),
        )
    }
}

/// Counts what a run asks of its provider, and what that refuses.
struct Counted {
    source: CommunityApi,
    tenant: TenantId,
    metrics: Metrics,
}

impl Counted {
    fn noted<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        answer.inspect_err(|failure| self.metrics.provider_failed(self.tenant.as_str(), failure.code))
    }
}

#[async_trait]
impl Source for Counted {
    async fn connect(&self) -> Result<(), Failure> {
        self.noted(self.source.connect().await)
    }

    async fn fetch(&self, request: &PageRequest) -> Result<Fetched, Failure> {
        self.noted(self.source.fetch(request).await)
    }

    async fn presence(&self, of: &Lookup) -> Result<Presence, Failure> {
        self.noted(self.source.presence(of).await)
    }

    fn take_requests(&self) -> u64 {
        let requests = self.source.take_requests();
        self.metrics.provider_asked(self.tenant.as_str(), requests);
        requests
    }
}

/// A source whose secret cannot be opened: it sends no request.
struct Unopened(Failure);

#[async_trait]
impl Source for Unopened {
    async fn connect(&self) -> Result<(), Failure> {
        Err(self.0.clone())
    }

    async fn fetch(&self, _request: &PageRequest) -> Result<Fetched, Failure> {
        Err(self.0.clone())
    }

    async fn presence(&self, _of: &Lookup) -> Result<Presence, Failure> {
        Err(self.0.clone())
    }

    fn take_requests(&self) -> u64 {
        0
    }
}
