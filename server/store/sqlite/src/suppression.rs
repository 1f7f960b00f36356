//! Keeping erased persons out of what is written. Where nobody was erased this is never reached.

use std::{borrow::Cow, collections::BTreeSet};

use domain::{ConnectionId, unification::Person};
use sqlx::{Sqlite, Transaction};
use store::{
    ErasedSubjects, ImportedActivity, PageCommit, PersonHash, SALT_NAME, Salt, SaltKeeper, Screened,
    StoreError, Subjects,
};
use store_columns::{Columns, json_text};

use crate::error::database;

pub(crate) async fn screen<'p>(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &SaltKeeper,
    page: &'p PageCommit,
) -> Result<Screened<'p>, StoreError> {
    let salt = open_salt(transaction, salts).await?;
    let subjects = Subjects::of_page(salt, page);
    let erased = look_up(transaction, page.connection_id, &subjects).await?;
    let screened = erased.screen(salt, page);
    remember(transaction, page.connection_id, &screened.met).await?;
    Ok(screened)
}

/// For what no run brings, and whose fence therefore has not looked.
pub(crate) async fn screen_if_erased<'p>(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &SaltKeeper,
    page: &'p PageCommit,
) -> Result<Screened<'p>, StoreError> {
    if anyone_erased(transaction).await? {
        screen(transaction, salts, page).await
    } else {
        Ok(Screened::whole(page))
    }
}

async fn anyone_erased(transaction: &mut Transaction<'static, Sqlite>) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM erasure)")
        .fetch_one(&mut **transaction)
        .await
        .map_err(database)
}

pub(crate) async fn screen_import<'r>(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &SaltKeeper,
    connection: ConnectionId,
    rows: &'r [ImportedActivity],
) -> Result<Cow<'r, [ImportedActivity]>, StoreError> {
    if !anyone_erased(transaction).await? {
        return Ok(Cow::Borrowed(rows));
    }
    let salt = open_salt(transaction, salts).await?;
    let subjects = Subjects::of_import(salt, connection, rows);
    let erased = look_up(transaction, connection, &subjects).await?;
    Ok(erased.screen_import(salt, connection, rows))
}

pub(crate) async fn screen_persons<'r>(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &SaltKeeper,
    persons: &'r [Person],
) -> Result<Cow<'r, [Person]>, StoreError> {
    if !anyone_erased(transaction).await? {
        return Ok(Cow::Borrowed(persons));
    }
    let salt = open_salt(transaction, salts).await?;
    let erased = look_up_emails(transaction, &Subjects::of_persons(salt, persons)).await?;
    Ok(erased.screen_persons(salt, persons))
}

/// Those of the addresses that are of persons who were erased.
pub(crate) async fn screen_emails(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &SaltKeeper,
    emails: &[&str],
) -> Result<BTreeSet<String>, StoreError> {
    if !anyone_erased(transaction).await? {
        return Ok(BTreeSet::new());
    }
    let salt = open_salt(transaction, salts).await?;
    let erased = look_up_emails(transaction, &Subjects::of_emails(salt, emails.iter().copied())).await?;
    let theirs = emails.iter().filter(|email| erased.has_email(salt, email));
    Ok(theirs.map(|email| (*email).to_owned()).collect())
}

pub(crate) async fn open_salt<'k>(
    transaction: &mut Transaction<'static, Sqlite>,
    salts: &'k SaltKeeper,
) -> Result<&'k Salt, StoreError> {
    if let Some(salt) = salts.known() {
        return Ok(salt);
    }
    let sealed: Option<String> = sqlx::query_scalar("SELECT sealed FROM installation_secret WHERE name = $1")
        .bind(SALT_NAME)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(database)?;
    salts.open(sealed.as_deref())
}

/// Keeps members out from now on.
pub(crate) async fn remember(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    members: &[PersonHash],
) -> Result<(), StoreError> {
    for member in members {
        sqlx::query(
            "INSERT INTO erased_member (connection_id, member_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(connection.0)
        .bind(&member.0)
        .execute(&mut **transaction)
        .await
        .map_err(database)?;
    }
    Ok(())
}

async fn look_up(
    transaction: &mut Transaction<'static, Sqlite>,
    connection: ConnectionId,
    subjects: &Subjects,
) -> Result<ErasedSubjects, StoreError> {
    let members: Vec<String> = sqlx::query_scalar(
        "SELECT member_hash FROM erased_member
         WHERE connection_id = $1 AND member_hash IN (SELECT value FROM json_each($2))",
    )
    .bind(connection.0)
    .bind(list(&subjects.members)?)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    Ok(ErasedSubjects {
        members: members.into_iter().map(PersonHash).collect(),
        ..look_up_emails(transaction, subjects).await?
    })
}

async fn look_up_emails(
    transaction: &mut Transaction<'static, Sqlite>,
    subjects: &Subjects,
) -> Result<ErasedSubjects, StoreError> {
    let rows = sqlx::query(
        "SELECT email_hash, MAX(erased_at) AS erased_at FROM erasure
         WHERE email_hash IN (SELECT value FROM json_each($1)) GROUP BY email_hash",
    )
    .bind(list(&subjects.emails)?)
    .fetch_all(&mut **transaction)
    .await
    .map_err(database)?;
    let mut erased = ErasedSubjects::default();
    for row in &rows {
        let email = PersonHash(row.text("email_hash")?);
        erased.emails.insert(email, row.time("erased_at")?);
    }
    Ok(erased)
}

fn list(hashes: &BTreeSet<PersonHash>) -> Result<String, StoreError> {
    json_text(&hashes.iter().map(|hash| hash.0.as_str()).collect::<Vec<_>>())
}
