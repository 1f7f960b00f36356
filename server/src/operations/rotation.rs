//! A change of the installation's key, step by step. What was done is read from the key file and the database alone, so
//! a change that was cut at any step is gone on with by the next one.

use std::fs::File;

use domain::{ConnectionId, TenantId};
use serde::Serialize;
use store::{By, Deed, Resealed, SALT_NAME, Store, targets};

use crate::{
    error::CommandError,
    installation::Keys,
    secrets::{Hold, KeyError, KeyRing, OpenError, hold},
};

/// Secrets sealed anew in one transaction, which takes a few milliseconds.
const AT_A_TIME: u32 = 100;

/// What a change of keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// The key that seals now. Ids tell keys apart and nothing about them.
    pub(crate) key_id: String,
    /// Keys that opened until now.
    pub(crate) former_key_ids: Vec<String>,
    /// Went on with a change that had not been finished.
    pub(crate) resumed: bool,
    pub(crate) sealed_anew: u64,
    /// Tenants whose secret no key of the file opens. It was left as it is.
    pub(crate) unreadable: Vec<String>,
}

enum Phase {
    Begin,
    Connections { after: Option<ConnectionId> },
    Installation,
    DropFormer,
    Over,
}

pub(crate) struct Rotation<'i> {
    keys: &'i Keys,
    store: &'i dyn Store,
    by: By,
    phase: Phase,
    pub(crate) report: Report,
    /// Nobody seals meanwhile.
    _held: File,
}

impl<'i> Rotation<'i> {
    /// Waits until nobody seals. Without a key there is nothing to change.
    pub(crate) fn begin(keys: &'i Keys, store: &'i dyn Store, by: By) -> Result<Self, CommandError> {
        let held = tokio::task::block_in_place(|| hold(keys.file(), Hold::Change))
            .map_err(|error| key_error(&error))?;
        Ok(Self {
            keys,
            store,
            by,
            phase: Phase::Begin,
            report: Report::default(),
            _held: held,
        })
    }

    pub(crate) async fn finish(mut self) -> Result<Report, CommandError> {
        while self.step().await? {}
        Ok(self.report)
    }

    /// One step, after which everything that was sealed opens. `false` once there is none left.
    pub(crate) async fn step(&mut self) -> Result<bool, CommandError> {
        let ring = KeyRing::load(self.keys.file()).map_err(|error| key_error(&error))?;
        self.phase = match self.phase {
            Phase::Begin => self.bring_in_new_key(ring).await?,
            Phase::Connections { after } => self.seal_connections_anew(&ring, after).await?,
            Phase::Installation => self.seal_installation_anew(&ring).await?,
            Phase::DropFormer => {
                ring.without_former()
                    .replace(self.keys.file())
                    .map_err(|error| key_error(&error))?;
                Phase::Over
            }
            Phase::Over => return Ok(false),
        };
        Ok(true)
    }

    /// The key is in a file: the entry that speaks of it is written first, so that none comes unspoken of.
    async fn bring_in_new_key(&mut self, ring: KeyRing) -> Result<Phase, CommandError> {
        self.report.resumed = !ring.former().is_empty();
        let ring = if self.report.resumed {
            ring
        } else {
            let ring = ring.with_new_key();
            let target = targets::key(ring.current().id());
            self.store.note(Deed::KeyChanged, Some(target), &self.by).await?;
            ring.replace(self.keys.file())
                .map_err(|error| key_error(&error))?;
            ring
        };
        ring.current().id().clone_into(&mut self.report.key_id);
        self.report.former_key_ids = ring.former().iter().map(|key| key.id().to_owned()).collect();
        Ok(Phase::Connections { after: None })
    }

    async fn seal_connections_anew(
        &mut self,
        ring: &KeyRing,
        after: Option<ConnectionId>,
    ) -> Result<Phase, CommandError> {
        let secrets = self.store.sealed_secrets(after, AT_A_TIME).await?;
        let mut resealed = Vec::new();
        for secret in &secrets {
            match ring.seal_anew(secret.tenant_id.as_str(), &secret.sealed) {
                Ok(None) => {}
                Ok(Some(anew)) => resealed.push(Resealed {
                    connection_id: secret.connection_id,
                    before: secret.sealed.clone(),
                    after: anew,
                }),
                Err(error) => self.unreadable(&secret.tenant_id, error),
            }
        }
        self.report.sealed_anew += self.store.reseal(&resealed, &self.by).await?;
        Ok(match secrets.last() {
            Some(last) => Phase::Connections {
                after: Some(last.connection_id),
            },
            None => Phase::Installation,
        })
    }

    fn unreadable(&mut self, tenant: &TenantId, error: OpenError) {
        tracing::warn!(%tenant, %error, "a secret cannot be sealed anew");
        self.report.unreadable.push(tenant.to_string());
    }

    /// Of the installation's own secrets a loss would be felt later and by nobody in particular, so it stops the change.
    async fn seal_installation_anew(&mut self, ring: &KeyRing) -> Result<Phase, CommandError> {
        if let Some(sealed) = self.store.installation_secret(SALT_NAME).await? {
            let anew = ring.seal_anew(SALT_NAME, &sealed).map_err(|error| {
                CommandError::failed(
                    format!("the salt of erasures cannot be sealed anew: {error}; the former key is kept"),
                    "Put the key file back that belongs to this database, then run the command again.",
                )
            })?;
            if let Some(anew) = anew {
                let replaced = self
                    .store
                    .reseal_installation_secret(SALT_NAME, &sealed, &anew, &self.by)
                    .await?;
                self.report.sealed_anew += u64::from(replaced);
            }
        }
        Ok(Phase::DropFormer)
    }
}

fn key_error(error: &KeyError) -> CommandError {
    CommandError::failed(error.to_string(), error.next_action())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::DateTime;
    use domain::Connection;
    use secrecy::{ExposeSecret, SecretString};
    use store::{ConnectionStore as _, NewConnection, SecretStore as _};
    use store_sqlite::SqliteStore;
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;

    /// More than one transaction takes.
    const TENANTS: u32 = AT_A_TIME + 20;

    struct Ground {
        folder: TempDir,
        store: SqliteStore,
        keys: Keys,
    }

    fn by() -> By {
        By::operator(DateTime::UNIX_EPOCH)
    }

    fn tenant(number: u32) -> TenantId {
        format!("tenant-{number}").parse().expect("a tenant id")
    }

    fn secret(number: u32) -> String {
        format!("secret of {number}")
    }

    impl Ground {
        async fn lay() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let store = SqliteStore::open(&folder.path().join("t.db"))
                .await
                .expect("a store");
            let keys = Keys::of(folder.path().join("secret.key"));
            let ground = Self { folder, store, keys };
            let sealing = ground.keys.sealing().expect("keys");
            for number in 0..TENANTS {
                ground
                    .add(
                        number,
                        sealing.seal(&tenant(number), &SecretString::from(secret(number))),
                    )
                    .await;
            }
            let salt = sealing.seal_own(SALT_NAME, &[7; 32]);
            ground
                .store
                .keep_installation_secret(SALT_NAME, &salt)
                .await
                .expect("kept");
            ground
        }

        async fn stored_secret(&self, number: u32) -> String {
            let id = ConnectionId(Uuid::from_u128(u128::from(number)));
            let access = self.store.tenant_access(id).await.expect("an answer");
            access.expect("the connection").sealed_secret
        }

        async fn add(&self, number: u32, sealed_secret: String) {
            let new = NewConnection {
                connection: Connection {
                    id: ConnectionId(Uuid::from_u128(u128::from(number))),
                    tenant_id: tenant(number),
                    name: String::new(),
                    base_url: "https://api.example".parse().expect("a base URL"),
                    client_id: number.to_string(),
                    deactivated_at: None,
                    activity_source: None,
                    created_at: DateTime::UNIX_EPOCH,
                },
                sealed_secret,
                decoder: 1,
            };
            self.store.add_connection(&new, &by()).await.expect("added");
        }

        fn ring(&self) -> KeyRing {
            KeyRing::load(self.keys.file()).expect("keys")
        }

        async fn assert_all_opens(&self) {
            let secrets = self.store.sealed_secrets(None, TENANTS).await.expect("secrets");
            assert_eq!(secrets.len(), TENANTS as usize);
            for (number, stored) in (0..TENANTS).zip(secrets) {
                let opened = self.keys.open(&stored.tenant_id, &stored.sealed).expect("opens");
                assert_eq!(opened.expose_secret(), secret(number));
            }
            let salt = self
                .store
                .installation_secret(SALT_NAME)
                .await
                .expect("an answer")
                .expect("the salt");
            assert_eq!(*self.ring().open(SALT_NAME, &salt).expect("opens"), [7; 32]);
        }

        fn files(&self) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
            entries.map(|entry| entry.expect("an entry").path()).collect()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_new_key_opens_everything_and_the_former_one_nothing() {
        let ground = Ground::lay().await;
        let former = ground.ring();
        let report = Rotation::begin(&ground.keys, &ground.store, by())
            .expect("begun")
            .finish()
            .await;
        let report = report.expect("changed");
        assert_eq!(report.former_key_ids, [former.current().id()]);
        assert_eq!(report.key_id, ground.ring().current().id());
        assert_eq!(
            (report.sealed_anew, report.resumed),
            (u64::from(TENANTS) + 1, false)
        );
        assert!(report.unreadable.is_empty());
        assert!(ground.ring().former().is_empty());
        ground.assert_all_opens().await;
        for stored in ground.store.sealed_secrets(None, TENANTS).await.expect("secrets") {
            let opened = former.open(stored.tenant_id.as_str(), &stored.sealed);
            assert_eq!(opened.err(), Some(OpenError::OtherKey));
        }
        assert!(
            ground
                .files()
                .iter()
                .all(|file| file.extension().is_none_or(|end| end != "draft"))
        );
    }

    /// As if the process were killed after each of its steps, and the command were run again.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_that_is_cut_at_any_step_is_gone_on_with() {
        for steps in 0.. {
            let ground = Ground::lay().await;
            let mut cut = Rotation::begin(&ground.keys, &ground.store, by()).expect("begun");
            let mut more = true;
            for _ in 0..steps {
                more = cut.step().await.expect("a step");
            }
            drop(cut);
            let half_way = !ground.ring().former().is_empty();
            ground.assert_all_opens().await;
            // What is sealed between the two is sealed with the key that comes.
            let sealing = ground.keys.sealing().expect("keys");
            let added = sealing.seal(&tenant(TENANTS), &SecretString::from("added"));
            drop(sealing);
            ground.add(TENANTS, added.clone()).await;
            if !more {
                break;
            }
            let report = Rotation::begin(&ground.keys, &ground.store, by())
                .expect("begun")
                .finish()
                .await;
            let report = report.expect("changed");
            assert_eq!(report.resumed, half_way, "after {steps} steps");
            assert!(ground.ring().former().is_empty());
            let stored = ground.stored_secret(TENANTS).await;
            let opened = ground.keys.open(&tenant(TENANTS), &stored).expect("opens");
            assert_eq!(opened.expose_secret(), "added", "after {steps} steps");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_secret_that_does_not_open_is_told_and_left_as_it_is() {
        let ground = Ground::lay().await;
        ground.add(TENANTS, "v2.of.another.installation.0.0".into()).await;
        let report = Rotation::begin(&ground.keys, &ground.store, by())
            .expect("begun")
            .finish()
            .await;
        assert_eq!(report.expect("changed").unreadable, [tenant(TENANTS).to_string()]);
        let kept = ground.stored_secret(TENANTS).await;
        assert_eq!(kept, "v2.of.another.installation.0.0");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_a_key_there_is_nothing_to_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("t.db"))
            .await
            .expect("a store");
        let keys = Keys::of(folder.path().join("secret.key"));
        let error = Rotation::begin(&keys, &store, by())
            .expect("begun")
            .finish()
            .await
            .expect_err("no key");
        assert!(error.to_string().contains("secret.key cannot be read"), "{error}");
        assert!(!keys.file().exists(), "none was made");
    }
}
