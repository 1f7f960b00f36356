//! Rule sets by version, and which of them decides.

use async_trait::async_trait;
use domain::unification::RuleSet;
use sqlx::PgConnection;
use store::{By, Deed, RuleChange, RuleStore, RuleUse, RuleVersion, RulesApplied, StoreError, targets};
use store_columns::{
    json_text, micros,
    rules::{read_use, read_version},
};

use crate::{PostgresStore, audit::append, error::database, matching::everything_changed};

const ACTIVE: &str = "SELECT version, document FROM rule_set
    WHERE version = (SELECT rule_version FROM unification)";

#[async_trait]
impl RuleStore for PostgresStore {
    async fn active_rules(&self) -> Result<Option<RuleVersion>, StoreError> {
        let row = sqlx::query(ACTIVE)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_version).transpose()
    }

    async fn rules_of(&self, version: i64) -> Result<Option<RuleVersion>, StoreError> {
        let row = sqlx::query("SELECT version, document FROM rule_set WHERE version = $1")
            .bind(version)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_version).transpose()
    }

    async fn apply_rules(
        &self,
        base: i64,
        rules: &RuleSet,
        used: &RuleChange,
        by: Option<&By>,
    ) -> Result<RulesApplied, StoreError> {
        let mut write = self.begin().await?;
        let active = active_version(&mut write).await?;
        if active != base {
            return Ok(RulesApplied::Overtaken(active));
        }
        let version: i64 = sqlx::query_scalar(
            "INSERT INTO rule_set (version, document) SELECT COALESCE(MAX(version), 0) + 1, $1 FROM rule_set
             RETURNING version",
        )
        .bind(json_text(rules)?)
        .fetch_one(&mut *write)
        .await
        .map_err(database)?;
        decide_by(&mut write, version, used).await?;
        if let Some(by) = by {
            append(&mut write, by, Deed::RulesApplied, Some(targets::rules(version))).await?;
        }
        write.commit().await?;
        Ok(RulesApplied::Yes(version))
    }

    async fn return_to_rules(
        &self,
        base: i64,
        version: i64,
        used: &RuleChange,
        by: &By,
    ) -> Result<RulesApplied, StoreError> {
        let mut write = self.begin().await?;
        let active = active_version(&mut write).await?;
        if active != base {
            return Ok(RulesApplied::Overtaken(active));
        }
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM rule_set WHERE version = $1)")
            .bind(version)
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
        if !known {
            return Ok(RulesApplied::NoSuchVersion);
        }
        decide_by(&mut write, version, used).await?;
        append(&mut write, by, Deed::RulesReturned, Some(targets::rules(version))).await?;
        write.commit().await?;
        Ok(RulesApplied::Yes(version))
    }

    async fn rule_history(&self, limit: u32) -> Result<Vec<RuleUse>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, used_by, used_at, why, effect FROM rule_set_use ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await
        .map_err(database)?;
        rows.iter().map(read_use).collect()
    }
}

/// Whoever changes the rules next waits until this transaction is over.
async fn active_version(write: &mut PgConnection) -> Result<i64, StoreError> {
    sqlx::query(
        "INSERT INTO unification (id, revision, rule_version) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING",
    )
    .execute(&mut *write)
    .await
    .map_err(database)?;
    let active: Option<i64> = sqlx::query_scalar("SELECT rule_version FROM unification FOR UPDATE")
        .fetch_optional(write)
        .await
        .map_err(database)?;
    Ok(active.unwrap_or(0))
}

/// From now on this version decides, and every member is due.
async fn decide_by(write: &mut PgConnection, version: i64, used: &RuleChange) -> Result<(), StoreError> {
    everything_changed(write).await?;
    sqlx::query("UPDATE unification SET rule_version = $1")
        .bind(version)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    sqlx::query(
        "INSERT INTO rule_set_use (version, used_by, used_at, why, effect) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(version)
    .bind(&used.by)
    .bind(micros(used.at))
    .bind(&used.why)
    .bind(&used.effect)
    .execute(&mut *write)
    .await
    .map(|_| ())
    .map_err(database)
}
