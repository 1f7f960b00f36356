use async_trait::async_trait;
use domain::{ConnectionId, TenantId};

use crate::{By, StoreError};

/// A connection's secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub connection_id: ConnectionId,
    pub tenant_id: TenantId,
    pub sealed: String,
}

/// The same secret, sealed anew.
#[derive(Clone, Debug)]
pub struct Resealed {
    pub connection_id: ConnectionId,
    pub before: String,
    pub after: String,
}

/// Sealed secrets as a change of the installation's key sees them. No store can open one.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// The secrets of connections, in the order of the connections' ids, after the given one.
    async fn sealed_secrets(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<SealedSecret>, StoreError>;

    /// Puts secrets that were sealed anew in their places, in one transaction. A secret that is not the one of before any
    /// more stays as it is. Says how many were replaced.
    async fn reseal(&self, resealed: &[Resealed], by: &By) -> Result<u64, StoreError>;

    /// A secret of the installation itself, by its name.
    async fn installation_secret(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Keeps a secret of the installation, if there is none of this name yet; says which is kept.
    async fn keep_installation_secret(&self, name: &str, sealed: &str) -> Result<String, StoreError>;

    /// Puts a secret of the installation that was sealed anew in its place, if it is still the one of before.
    async fn reseal_installation_secret(
        &self,
        name: &str,
        before: &str,
        after: &str,
        by: &By,
    ) -> Result<bool, StoreError>;
}
