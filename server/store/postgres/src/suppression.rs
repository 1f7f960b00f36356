//! Keeping erased persons out of what is written. Where nobody was erased this is never reached.

use std::{borrow::Cow, collections::BTreeSet};

use domain::{ConnectionId, unification::Person};
use sqlx::PgConnection;
use store::{
    ErasedSubjects, ImportedActivity, PageCommit, PersonHash, SALT_NAME, Salt, SaltKeeper, Screened,
    StoreError, Subjects,
};
use store_columns::Columns;

use crate::error::database;

/// Held by whoever writes what may hold a person, shared, and by an erasure, alone. Any number will do that is no other
/// lock's.
const PERSONS_LOCK: i64 = 0x7472_6962_0002;

/// Until the transaction ends nobody is erased. To be the transaction's first statement: what it reads after this it reads
/// as the last erasure left it.
pub(crate) async fn lock_out_erasures(write: &mut PgConnection) -> Result<(), StoreError> {
    lock("SELECT pg_advisory_xact_lock_shared($1)", write).await
}

pub(crate) async fn lock_out_writers(write: &mut PgConnection) -> Result<(), StoreError> {
    lock("SELECT pg_advisory_xact_lock($1)", write).await
}

async fn lock(statement: &'static str, write: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(statement)
        .bind(PERSONS_LOCK)
        .execute(write)
        .await
        .map(|_| ())
        .map_err(database)
}

pub(crate) async fn screen<'p>(
    write: &mut PgConnection,
    salts: &SaltKeeper,
    page: &'p PageCommit,
) -> Result<Screened<'p>, StoreError> {
    let salt = open_salt(write, salts).await?;
    let subjects = Subjects::of_page(salt, page);
    let erased = look_up(write, page.connection_id, &subjects).await?;
    let screened = erased.screen(salt, page);
    remember(write, page.connection_id, &screened.met).await?;
    Ok(screened)
}

/// For what no run brings, and whose fence therefore has not looked.
pub(crate) async fn screen_if_erased<'p>(
    write: &mut PgConnection,
    salts: &SaltKeeper,
    page: &'p PageCommit,
) -> Result<Screened<'p>, StoreError> {
    if anyone_erased(write).await? {
        screen(write, salts, page).await
    } else {
        Ok(Screened::whole(page))
    }
}

async fn anyone_erased(write: &mut PgConnection) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM erasure)")
        .fetch_one(write)
        .await
        .map_err(database)
}

pub(crate) async fn screen_import<'r>(
    write: &mut PgConnection,
    salts: &SaltKeeper,
    connection: ConnectionId,
    rows: &'r [ImportedActivity],
) -> Result<Cow<'r, [ImportedActivity]>, StoreError> {
    if !anyone_erased(write).await? {
        return Ok(Cow::Borrowed(rows));
    }
    let salt = open_salt(write, salts).await?;
    let subjects = Subjects::of_import(salt, connection, rows);
    let erased = look_up(write, connection, &subjects).await?;
    Ok(erased.screen_import(salt, connection, rows))
}

pub(crate) async fn screen_persons<'r>(
    write: &mut PgConnection,
    salts: &SaltKeeper,
    persons: &'r [Person],
) -> Result<Cow<'r, [Person]>, StoreError> {
    if !anyone_erased(write).await? {
        return Ok(Cow::Borrowed(persons));
    }
    let salt = open_salt(write, salts).await?;
    let erased = look_up_emails(write, &Subjects::of_persons(salt, persons)).await?;
    Ok(erased.screen_persons(salt, persons))
}

/// Those of the addresses that are of persons who were erased.
pub(crate) async fn screen_emails(
    write: &mut PgConnection,
    salts: &SaltKeeper,
    emails: &[&str],
) -> Result<BTreeSet<String>, StoreError> {
    if !anyone_erased(write).await? {
        return Ok(BTreeSet::new());
    }
    let salt = open_salt(write, salts).await?;
    let erased = look_up_emails(write, &Subjects::of_emails(salt, emails.iter().copied())).await?;
    let theirs = emails.iter().filter(|email| erased.has_email(salt, email));
    Ok(theirs.map(|email| (*email).to_owned()).collect())
}

pub(crate) async fn open_salt<'k>(
    write: &mut PgConnection,
    salts: &'k SaltKeeper,
) -> Result<&'k Salt, StoreError> {
    if let Some(salt) = salts.known() {
        return Ok(salt);
    }
    let sealed: Option<String> = sqlx::query_scalar("SELECT sealed FROM installation_secret WHERE name = $1")
        .bind(SALT_NAME)
        .fetch_optional(&mut *write)
        .await
        .map_err(database)?;
    salts.open(sealed.as_deref())
}

/// Keeps members out from now on.
pub(crate) async fn remember(
    write: &mut PgConnection,
    connection: ConnectionId,
    members: &[PersonHash],
) -> Result<(), StoreError> {
    for member in members {
        sqlx::query(
            "INSERT INTO erased_member (connection_id, member_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(connection.0)
        .bind(&member.0)
        .execute(&mut *write)
        .await
        .map_err(database)?;
    }
    Ok(())
}

async fn look_up(
    write: &mut PgConnection,
    connection: ConnectionId,
    subjects: &Subjects,
) -> Result<ErasedSubjects, StoreError> {
    let members: Vec<String> = sqlx::query_scalar(
        "SELECT member_hash FROM erased_member
         WHERE connection_id = $1 AND member_hash = ANY($2)",
    )
    .bind(connection.0)
    .bind(list(&subjects.members))
    .fetch_all(&mut *write)
    .await
    .map_err(database)?;
    Ok(ErasedSubjects {
        members: members.into_iter().map(PersonHash).collect(),
        ..look_up_emails(write, subjects).await?
    })
}

async fn look_up_emails(write: &mut PgConnection, subjects: &Subjects) -> Result<ErasedSubjects, StoreError> {
    let rows = sqlx::query(
        "SELECT email_hash, MAX(erased_at) AS erased_at FROM erasure
         WHERE email_hash = ANY($1) GROUP BY email_hash",
    )
    .bind(list(&subjects.emails))
    .fetch_all(&mut *write)
    .await
    .map_err(database)?;
    let mut erased = ErasedSubjects::default();
    for row in &rows {
        let email = PersonHash(row.text("email_hash")?);
        erased.emails.insert(email, row.time("erased_at")?);
    }
    Ok(erased)
}

fn list(hashes: &BTreeSet<PersonHash>) -> Vec<String> {
    hashes.iter().map(|hash| hash.0.clone()).collect()
}
