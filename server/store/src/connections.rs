use async_trait::async_trait;
use domain::{BaseUrl, Connection, ConnectionId, ProfileMapping, TenantId};

use crate::{By, StoreError};

/// A connection with its secret, sealed by the installation's key.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub connection: Connection,
    pub sealed_secret: String,
    /// The version of the decoder that its records are read by: nothing is to be read anew until there is a newer one.
    pub decoder: i64,
}

/// A connection with what its tenant is read by.
#[derive(Clone, Debug)]
pub struct TenantAccess {
    pub connection: Connection,
    pub sealed_secret: String,
    pub mapping: ProfileMapping,
}

/// Where and as whom a tenant is read.
#[derive(Clone, Debug)]
pub struct Access {
    pub base_url: BaseUrl,
    pub client_id: String,
    pub sealed_secret: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AddConnectionError {
    #[error("a connection to the tenant {0} exists already")]
    TenantExists(TenantId),
    /// The credentials choose the tenant, so the same ones would read the same tenant twice.
    #[error("the client id is used by the connection to {0} on the same host already")]
    ClientIdInUse(TenantId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[async_trait]
pub trait ConnectionStore: Send + Sync {
    /// Adds a connection. Refuses a second one of the same tenant, or with the same client id on the same host
    /// (host and port), and then changes nothing.
    async fn add_connection(&self, new: &NewConnection, by: &By) -> Result<(), AddConnectionError>;

    /// All connections, by tenant id.
    async fn connections(&self) -> Result<Vec<Connection>, StoreError>;

    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError>;

    async fn connection_of_tenant(&self, tenant: &TenantId) -> Result<Option<Connection>, StoreError>;

    /// All that a source of the connection is made of, by one statement.
    async fn tenant_access(&self, id: ConnectionId) -> Result<Option<TenantAccess>, StoreError>;

    /// Replaces where and as whom the tenant is read. Refuses what [`Self::add_connection`] refuses, and then changes
    /// nothing.
    async fn replace_access(
        &self,
        id: ConnectionId,
        access: &Access,
        by: &By,
    ) -> Result<(), AddConnectionError>;

    /// Stops syncs of the connection: a queued run is cancelled, a running one is asked to stop at its next page
    /// boundary. Stored rows stay. Deactivating twice keeps the first time.
    async fn deactivate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError>;

    async fn activate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError>;
}
