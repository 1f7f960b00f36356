//! Rule sets by version, and which of them decides.

use async_trait::async_trait;
use domain::unification::RuleSet;
use sqlx::{Sqlite, Transaction};
use store::{By, Deed, RuleChange, RuleStore, RuleUse, RuleVersion, RulesApplied, StoreError, targets};
use store_columns::{
    json_text, micros,
    rules::{read_use, read_version},
};

use crate::{SqliteStore, audit::append, error::database, matching::everything_changed};

const ACTIVE: &str = "SELECT version, document FROM rule_set
    WHERE version = (SELECT rule_version FROM unification)";

#[async_trait]
impl RuleStore for SqliteStore {
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
        let mut transaction = self.begin().await?;
        let active = active_version(&mut transaction).await?;
        if active != base {
            return Ok(RulesApplied::Overtaken(active));
        }
        let version: i64 = sqlx::query_scalar(
            "INSERT INTO rule_set (version, document) SELECT COALESCE(MAX(version), 0) + 1, $1 FROM rule_set
             RETURNING version",
        )
        .bind(json_text(rules)?)
        .fetch_one(&mut *transaction)
        .await
        .map_err(database)?;
        decide_by(&mut transaction, version, used).await?;
        if let Some(by) = by {
            append(
                &mut transaction,
                by,
                Deed::RulesApplied,
                Some(targets::rules(version)),
            )
            .await?;
        }
        transaction.commit().await.map_err(database)?;
        Ok(RulesApplied::Yes(version))
    }

    async fn return_to_rules(
        &self,
        base: i64,
        version: i64,
        used: &RuleChange,
        by: &By,
    ) -> Result<RulesApplied, StoreError> {
        let mut transaction = self.begin().await?;
        let active = active_version(&mut transaction).await?;
        if active != base {
            return Ok(RulesApplied::Overtaken(active));
        }
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM rule_set WHERE version = $1)")
            .bind(version)
            .fetch_one(&mut *transaction)
            .await
            .map_err(database)?;
        if !known {
            return Ok(RulesApplied::NoSuchVersion);
        }
        decide_by(&mut transaction, version, used).await?;
        append(
            &mut transaction,
            by,
            Deed::RulesReturned,
            Some(targets::rules(version)),
        )
        .await?;
        transaction.commit().await.map_err(database)?;
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

async fn active_version(transaction: &mut Transaction<'static, Sqlite>) -> Result<i64, StoreError> {
    let active: Option<i64> = sqlx::query_scalar("SELECT rule_version FROM unification")
        .fetch_optional(&mut **transaction)
        .await
        .map_err(database)?;
    Ok(active.unwrap_or(0))
}

/// From now on this version decides, and every member is due.
async fn decide_by(
    transaction: &mut Transaction<'static, Sqlite>,
    version: i64,
    used: &RuleChange,
) -> Result<(), StoreError> {
    everything_changed(transaction).await?;
    sqlx::query("UPDATE unification SET rule_version = $1")
        .bind(version)
        .execute(&mut **transaction)
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
    .execute(&mut **transaction)
    .await
    .map(|_| ())
    .map_err(database)
}
