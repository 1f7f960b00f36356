use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Account, AccountId, Role};
use sqlx::SqliteConnection;
use store::{
    AccountStore, AddAccountError, By, ChangeAccountError, Credentials, Deed, Identity, NewAccount, NewSetUp,
    SetUp, SignOn, SignOnError, SignsOn, StoreError, TokenHash, UseSetUp, UseSetUpError, judge_sign_on,
};
use store_columns::{
    Columns,
    accounts::{read, read_credentials},
    micros,
};

use crate::{SqliteStore, audit::append, error::database};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn add_account(&self, new: &NewAccount, by: &By) -> Result<(), AddAccountError> {
        let mut write = self.begin().await?;
        if !insert(&mut write, new, by).await? {
            return Err(AddAccountError::EmailExists);
        }
        write.commit().await.map_err(database)?;
        Ok(())
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = sqlx::query("SELECT * FROM account ORDER BY email")
            .fetch_all(self.readers())
            .await
            .map_err(database)?;
        rows.iter().map(read).collect()
    }

    async fn credentials(&self, email: &str) -> Result<Option<Credentials>, StoreError> {
        let row = sqlx::query("SELECT * FROM account WHERE email = $1")
            .bind(email)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read_credentials).transpose()
    }

    async fn set_disabled(&self, id: AccountId, disabled: bool, by: &By) -> Result<(), ChangeAccountError> {
        let mut write = self.begin().await?;
        if disabled && active_admins(&mut write).await? == [id] {
            return Err(ChangeAccountError::LastAdmin);
        }
        let changed = sqlx::query(
            "UPDATE account SET disabled_at = CASE WHEN $2 THEN COALESCE(disabled_at, $3) END WHERE id = $1",
        )
        .bind(id.0)
        .bind(disabled)
        .bind(micros(by.at))
        .execute(&mut *write)
        .await
        .map_err(database)?;
        if changed.rows_affected() == 0 {
            return Err(ChangeAccountError::Unknown);
        }
        let deed = if disabled {
            forget_log_ins(&mut write, id).await?;
            Deed::AccountDisabled
        } else {
            Deed::AccountEnabled
        };
        append(&mut write, by, deed, Some(target(id))).await?;
        write.commit().await.map_err(database)?;
        Ok(())
    }

    async fn set_role(&self, id: AccountId, role: Role, by: &By) -> Result<(), ChangeAccountError> {
        let mut write = self.begin().await?;
        if role != Role::Admin && active_admins(&mut write).await? == [id] {
            return Err(ChangeAccountError::LastAdmin);
        }
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM account WHERE id = $1)")
            .bind(id.0)
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
        if !known {
            return Err(ChangeAccountError::Unknown);
        }
        if change_role(&mut write, id, role, by).await? {
            write.commit().await.map_err(database)?;
        }
        Ok(())
    }

    async fn account_of(&self, identity: &Identity) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query("SELECT * FROM account WHERE issuer = $1 AND subject = $2")
            .bind(&identity.issuer)
            .bind(&identity.subject)
            .fetch_optional(self.readers())
            .await
            .map_err(database)?;
        row.as_ref().map(read).transpose()
    }

    async fn sign_on(&self, who: &SignOn, by: &By) -> Result<Account, SignOnError> {
        let mut write = self.begin().await?;
        let admins = active_admins(&mut write).await?;
        let id = match judge(&mut write, who).await? {
            SignsOn::As(id) => id,
            SignsOn::Tied(id) => tie(&mut write, id, who, by).await?,
            SignsOn::Added => {
                insert(&mut write, &new_account(who), by).await?;
                tie(&mut write, who.id, who, by).await?
            }
        };
        if who.role != Role::Admin && admins == [id] {
            return Err(SignOnError::LastAdmin);
        }
        change_role(&mut write, id, who.role, by).await?;
        let row = sqlx::query("SELECT * FROM account WHERE id = $1")
            .bind(id.0)
            .fetch_one(&mut *write)
            .await
            .map_err(database)?;
        let account = read(&row)?;
        write.commit().await.map_err(database)?;
        Ok(account)
    }

    async fn set_password(&self, id: AccountId, password_hash: &str, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        if replace_password(&mut write, id, password_hash, by).await? {
            write.commit().await.map_err(database)?;
        }
        Ok(())
    }

    async fn offer_set_up(&self, new: &NewSetUp, by: &By) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        sqlx::query("DELETE FROM set_up_link WHERE account_id = $1 OR (account_id IS NULL AND $1 IS NULL)")
            .bind(new.account.map(|id| id.0))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        sqlx::query("INSERT INTO set_up_link (token_hash, account_id, expires_at) VALUES ($1, $2, $3)")
            .bind(&new.token.0)
            .bind(new.account.map(|id| id.0))
            .bind(micros(new.expires_at))
            .execute(&mut *write)
            .await
            .map_err(database)?;
        append(&mut write, by, Deed::SetUpOffered, new.account.map(target)).await?;
        write.commit().await.map_err(database)
    }

    async fn set_up(&self, token: &TokenHash, now: DateTime<Utc>) -> Result<Option<SetUp>, StoreError> {
        let row = sqlx::query(
            "SELECT account.* FROM set_up_link LEFT JOIN account ON account.id = account_id
             WHERE set_up_link.token_hash = $1 AND expires_at > $2 AND disabled_at IS NULL
               AND (account_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM account))",
        )
        .bind(&token.0)
        .bind(micros(now))
        .fetch_optional(self.readers())
        .await
        .map_err(database)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(match row.optional_uuid("id")? {
            Some(_) => SetUp::Password(read(&row)?),
            None => SetUp::FirstAccount,
        }))
    }

    async fn use_set_up(
        &self,
        token: &TokenHash,
        use_for: &UseSetUp,
        by: &By,
    ) -> Result<AccountId, UseSetUpError> {
        let mut write = self.begin().await?;
        let link =
            sqlx::query("SELECT account_id FROM set_up_link WHERE token_hash = $1 AND expires_at > $2")
                .bind(&token.0)
                .bind(micros(by.at))
                .fetch_optional(&mut *write)
                .await
                .map_err(database)?;
        let link = link.ok_or(UseSetUpError::Spent)?;
        let account = link.optional_uuid("account_id")?.map(AccountId);
        let (id, done) = match (account, use_for) {
            (None, UseSetUp::First(new)) => (new.id, add_first(&mut write, new, by).await?),
            (Some(id), UseSetUp::Password(hash)) => (id, replace_password(&mut write, id, hash, by).await?),
            _ => return Err(UseSetUpError::Spent),
        };
        if !done {
            return Err(UseSetUpError::Spent);
        }
        write.commit().await.map_err(database)?;
        Ok(id)
    }
}

/// As entries of the trail name an account.
pub(crate) fn target(id: AccountId) -> String {
    format!("account {id}")
}

/// Admins who may log in.
async fn active_admins(write: &mut SqliteConnection) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query("SELECT id FROM account WHERE role = 'admin' AND disabled_at IS NULL")
        .fetch_all(write)
        .await
        .map_err(database)?;
    rows.iter().map(|row| Ok(AccountId(row.uuid("id")?))).collect()
}

/// Whether the address was free.
async fn insert(write: &mut SqliteConnection, new: &NewAccount, by: &By) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO account (id, email, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(new.id.0)
    .bind(&new.email)
    .bind(new.role.as_str())
    .bind(&new.password_hash)
    .bind(micros(by.at))
    .execute(&mut *write)
    .await
    .map_err(database)?;
    if added.rows_affected() == 0 {
        return Ok(false);
    }
    let target = format!("{} as {}", target(new.id), new.role);
    append(write, by, Deed::AccountAdded, Some(target)).await?;
    Ok(true)
}

/// Whether the role is another now; then the account's sessions are over.
async fn change_role(
    write: &mut SqliteConnection,
    id: AccountId,
    role: Role,
    by: &By,
) -> Result<bool, StoreError> {
    let changed = sqlx::query("UPDATE account SET role = $2 WHERE id = $1 AND role <> $2")
        .bind(id.0)
        .bind(role.as_str())
        .execute(&mut *write)
        .await
        .map_err(database)?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM session WHERE account_id = $1")
        .bind(id.0)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    let target = format!("{} to {role}", target(id));
    append(write, by, Deed::RoleChanged, Some(target)).await?;
    Ok(true)
}

/// Decides on somebody who signs on, by what is stored.
async fn judge(write: &mut SqliteConnection, who: &SignOn) -> Result<SignsOn, SignOnError> {
    let tied = sqlx::query("SELECT * FROM account WHERE issuer = $1 AND subject = $2")
        .bind(&who.identity.issuer)
        .bind(&who.identity.subject)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
    if let Some(row) = tied {
        return judge_sign_on(who, Some(&read(&row)?), None);
    }
    let of_address = sqlx::query("SELECT * FROM account WHERE email = $1")
        .bind(&who.email)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
    let Some(row) = of_address else {
        return judge_sign_on(who, None, None);
    };
    let issuer = row.optional_text("issuer")?;
    judge_sign_on(who, None, Some((&read(&row)?, issuer.as_deref())))
}

fn new_account(who: &SignOn) -> NewAccount {
    NewAccount {
        id: who.id,
        email: who.email.clone(),
        role: who.role,
        password_hash: None,
    }
}

/// Ties an account to somebody at the identity provider.
async fn tie(
    write: &mut SqliteConnection,
    id: AccountId,
    who: &SignOn,
    by: &By,
) -> Result<AccountId, StoreError> {
    sqlx::query("UPDATE account SET issuer = $2, subject = $3 WHERE id = $1")
        .bind(id.0)
        .bind(&who.identity.issuer)
        .bind(&who.identity.subject)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    append(write, by, Deed::AccountTied, Some(target(id))).await?;
    Ok(id)
}

/// Whether there was none.
async fn add_first(write: &mut SqliteConnection, new: &NewAccount, by: &By) -> Result<bool, StoreError> {
    let accounts: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account")
        .fetch_one(&mut *write)
        .await
        .map_err(database)?;
    if accounts > 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM set_up_link WHERE account_id IS NULL")
        .execute(&mut *write)
        .await
        .map_err(database)?;
    insert(write, new, by).await
}

/// Whether there is such an account, and it is not disabled.
async fn replace_password(
    write: &mut SqliteConnection,
    id: AccountId,
    password_hash: &str,
    by: &By,
) -> Result<bool, StoreError> {
    let replaced = sqlx::query("UPDATE account SET password_hash = $2 WHERE id = $1 AND disabled_at IS NULL")
        .bind(id.0)
        .bind(password_hash)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    if replaced.rows_affected() == 0 {
        return Ok(false);
    }
    forget_log_ins(write, id).await?;
    append(write, by, Deed::PasswordSet, Some(target(id))).await?;
    Ok(true)
}

/// Sessions, links and known browsers of an account.
async fn forget_log_ins(write: &mut SqliteConnection, id: AccountId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM session WHERE account_id = $1",
        "DELETE FROM set_up_link WHERE account_id = $1",
        "DELETE FROM known_device WHERE account_id = $1",
    ] {
        sqlx::query(statement)
            .bind(id.0)
            .execute(&mut *write)
            .await
            .map_err(database)?;
    }
    Ok(())
}
