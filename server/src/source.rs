//! From a stored connection to the source that a sync reads.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{CommunityApi, Credentials, HttpClient};
use domain::{CauseCode, Connection};
use secrecy::SecretString;
use store::{Store, StoreError};
use sync::{Clock, Failure, Fetched, PageRequest, Source};

use crate::{
    error::CommandError,
    installation::{Installation, Keys},
};

/// Makes sources. One HTTP client serves them all.
#[derive(Clone)]
pub(crate) struct Sources {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    client: HttpClient,
}

impl Sources {
    pub(crate) fn new(installation: &Installation) -> Result<Self, CommandError> {
        let client = HttpClient::new().map_err(|error| {
            CommandError::failed(
                format!("the HTTP client cannot be made: {error}"),
                "Check the machine's TLS certificates, then run the command again.",
            )
        })?;
        Ok(Self {
            store: Arc::clone(&installation.store),
            clock: Arc::clone(&installation.clock),
            keys: installation.keys.clone(),
            client,
        })
    }

    /// The source of a connection. If its secret cannot be opened, the source says so when it connects, so that the run
    /// fails at that stage and for that cause, like for any other.
    pub(crate) async fn of(&self, connection: &Connection) -> Result<Box<dyn Source>, StoreError> {
        let secret = match self.store.sealed_secret(connection.id).await? {
            Some(sealed) => self
                .keys
                .open(&connection.tenant_id, &sealed)
                .map_err(|error| error.to_string()),
            None => Err("no client secret is stored".to_owned()),
        };
        Ok(match secret {
            Ok(secret) => Box::new(self.with_secret(connection, secret)),
            Err(message) => Box::new(Unopened { message }),
        })
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

/// Asks for a token, and for the shortest listing that needs the read scope.
pub(crate) async fn probe(source: &dyn Source) -> Result<(), Failure> {
    source.connect().await?;
    match source.fetch(&PageRequest::IdeaStatuses).await? {
        Fetched::Page(_) | Fetched::NoSource => Ok(()),
        Fetched::Refused => Err(Failure {
            code: CauseCode::PermissionMissing,
            message: "The provider refuses to list idea statuses (403).".to_owned(),
            retry_after: None,
        }),
    }
}

/// A source whose secret cannot be opened: it sends no request.
struct Unopened {
    message: String,
}

#[async_trait]
impl Source for Unopened {
    async fn connect(&self) -> Result<(), Failure> {
        Err(self.failure())
    }

    async fn fetch(&self, _request: &PageRequest) -> Result<Fetched, Failure> {
        Err(self.failure())
    }

    fn take_requests(&self) -> u64 {
        0
    }
}

impl Unopened {
    fn failure(&self) -> Failure {
        Failure {
            code: CauseCode::SecretUnreadable,
            message: self.message.clone(),
            retry_after: None,
        }
    }
}
