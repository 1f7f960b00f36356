use async_trait::async_trait;
use domain::{ActivitySource, Connection, ConnectionId, TenantId};
use sqlx::{PgConnection, PgExecutor};
use store::{
    Access, AddConnectionError, By, ConnectionStore, Deed, NewConnection, StoreError, TenantAccess, targets,
};
use store_columns::{
    Columns,
    connections::{read, read_access},
    micros,
};

use crate::{PostgresStore, activity::lock_connection, audit::append, error::database, views};

const SELECT: &str =
    "SELECT id, tenant_id, name, base_url, client_id, deactivated_at, activity_source, created_at
    FROM connection
    WHERE ($1 IS NULL OR id = $1) AND ($2 IS NULL OR tenant_id = $2)
    ORDER BY tenant_id";

/// Held while a tenant's access is checked and written. Any number will do that is no other lock's.
const ACCESS_LOCK: i64 = 0x7472_6962_0001;

#[async_trait]
impl ConnectionStore for PostgresStore {
    async fn add_connection(&self, new: &NewConnection, by: &By) -> Result<(), AddConnectionError> {
        let connection = &new.connection;
        let authority = connection.base_url.authority();
        let mut write = self.begin().await?;
        let duplicate = Duplicate {
            id: connection.id,
            tenant_id: Some(&connection.tenant_id),
            authority: &authority,
            client_id: &connection.client_id,
        };
        duplicate.refuse(&mut write).await?;
        sqlx::query(
            "INSERT INTO connection (id, tenant_id, name, base_url, base_authority, client_id, sealed_secret,
                activity_source, deactivated_at, created_at, replayed_decoder)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(connection.id.0)
        .bind(connection.tenant_id.as_str())
        .bind(&connection.name)
        .bind(connection.base_url.to_string())
        .bind(authority)
        .bind(&connection.client_id)
        .bind(&new.sealed_secret)
        .bind(connection.activity_source.map(ActivitySource::as_str))
        .bind(connection.deactivated_at.map(micros))
        .bind(micros(connection.created_at))
        .bind(new.decoder)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        views::add(&mut write, &connection.tenant_id).await?;
        let target = targets::connection(connection.id);
        append(&mut write, by, Deed::ConnectionAdded, Some(target)).await?;
        write.commit().await?;
        Ok(())
    }

    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        select(self.readers(), None, None).await
    }

    async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        Ok(select(self.readers(), Some(id), None).await?.pop())
    }

    async fn connection_of_tenant(&self, tenant: &TenantId) -> Result<Option<Connection>, StoreError> {
        Ok(select(self.readers(), None, Some(tenant)).await?.pop())
    }

    async fn tenant_access(&self, id: ConnectionId) -> Result<Option<TenantAccess>, StoreError> {
        let select = || {
            sqlx::query(
                "SELECT id, tenant_id, name, base_url, client_id, deactivated_at, activity_source, created_at,
                    sealed_secret, profile_mapping
                 FROM connection WHERE id = $1",
            )
            .bind(id.0)
            .fetch_optional(self.writers())
        };
        let row = self.ask_by_key(select).await?;
        row.as_ref().map(read_access).transpose()
    }

    async fn replace_access(
        &self,
        id: ConnectionId,
        access: &Access,
        by: &By,
    ) -> Result<(), AddConnectionError> {
        let authority = access.base_url.authority();
        let mut write = self.begin().await?;
        let other = Duplicate {
            id,
            tenant_id: None,
            authority: &authority,
            client_id: &access.client_id,
        };
        other.refuse(&mut write).await?;
        sqlx::query(
            "UPDATE connection SET base_url = $2, base_authority = $3, client_id = $4, sealed_secret = $5 WHERE id = $1",
        )
        .bind(id.0)
        .bind(access.base_url.to_string())
        .bind(&authority)
        .bind(&access.client_id)
        .bind(&access.sealed_secret)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        let target = targets::connection(id);
        append(&mut write, by, Deed::AccessReplaced, Some(target)).await?;
        write.commit().await?;
        Ok(())
    }

    async fn deactivate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        lock_connection(&mut write, id).await?;
        let deactivated =
            sqlx::query("UPDATE connection SET deactivated_at = $2 WHERE id = $1 AND deactivated_at IS NULL")
                .bind(id.0)
                .bind(micros(by.at))
                .execute(&mut *write)
                .await
                .map_err(database)?;
        let of_runs = [
            "UPDATE run SET state = 'cancelled', finished_at = $2, stopped_by = COALESCE(stopped_by, 'deactivation'),
                waits_for_provider_until = NULL
             WHERE connection_id = $1 AND state = 'queued'",
            "UPDATE run SET stop_requested = true, stopped_by = COALESCE(stopped_by, 'deactivation')
             WHERE connection_id = $1 AND state = 'running' AND $2 IS NOT NULL",
        ];
        for statement in of_runs {
            sqlx::query(statement)
                .bind(id.0)
                .bind(micros(by.at))
                .execute(&mut *write)
                .await
                .map_err(database)?;
        }
        if deactivated.rows_affected() > 0 {
            let target = targets::connection(id);
            append(&mut write, by, Deed::ConnectionDeactivated, Some(target)).await?;
        }
        write.commit().await
    }

    async fn activate(&self, id: ConnectionId, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let activated = sqlx::query(
            "UPDATE connection SET deactivated_at = NULL WHERE id = $1 AND deactivated_at IS NOT NULL",
        )
        .bind(id.0)
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if activated.rows_affected() > 0 {
            let target = targets::connection(id);
            append(&mut write, by, Deed::ConnectionActivated, Some(target)).await?;
        }
        write.commit().await
    }
}

/// By tenant id: all, the one of the id, or the one of the tenant.
pub(crate) async fn select(
    executor: impl PgExecutor<'_>,
    id: Option<ConnectionId>,
    tenant: Option<&TenantId>,
) -> Result<Vec<Connection>, StoreError> {
    let rows = sqlx::query(SELECT)
        .bind(id.map(|id| id.0))
        .bind(tenant.map(TenantId::as_str))
        .fetch_all(executor)
        .await
        .map_err(database)?;
    rows.iter().map(read).collect()
}

/// What no other connection may have: the tenant, or the client id on the same host.
struct Duplicate<'a> {
    id: ConnectionId,
    tenant_id: Option<&'a TenantId>,
    authority: &'a str,
    client_id: &'a str,
}

impl Duplicate<'_> {
    async fn refuse(&self, write: &mut PgConnection) -> Result<(), AddConnectionError> {
        // One at a time: of two that would collide neither sees the other before it is committed.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(ACCESS_LOCK)
            .execute(&mut *write)
            .await
            .map_err(database)?;
        let existing = sqlx::query(
            "SELECT tenant_id FROM connection
             WHERE id <> $4 AND (tenant_id = $1 OR (base_authority = $2 AND client_id = $3))
             ORDER BY tenant_id = $1 DESC LIMIT 1",
        )
        .bind(self.tenant_id.map(TenantId::as_str))
        .bind(self.authority)
        .bind(self.client_id)
        .bind(self.id.0)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
        let Some(existing) = existing else { return Ok(()) };
        let tenant: TenantId = existing.word("tenant_id", |text| text.parse().ok())?;
        Err(if self.tenant_id == Some(&tenant) {
            AddConnectionError::TenantExists(tenant)
        } else {
            AddConnectionError::ClientIdInUse(tenant)
        })
    }
}
