//! What the page of the audit trail asks for: entries with the names of today, and whether the chain holds.

use std::collections::HashMap;

use app::{
    audit::{
        place::AuditPlace,
        view::{AUDIT_PAGE_ROWS, AuditActor, AuditRow, AuditView, ChainView},
    },
    error::AppError,
};
use chrono::{DateTime, Utc};
use store::{AuditEntry, Chain, Store, StoreError};
use uuid::Uuid;

use crate::backend::{Console, internal};

/// Entries read at a time; they have a few hundred bytes each.
const READ_AT_ONCE: u32 = 1_000;
/// Entries that are read for one page: a quarter of a second. The next one reads on.
const READ_FOR_A_PAGE: u64 = 50_000;

/// How far the chain was read, and since when. Entries never change, so what was read need not be read for each page;
/// someone may have changed them past Tributary, so it is read anew when it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    chain: Chain,
    since: DateTime<Utc>,
}

impl Console {
    pub(crate) async fn audit_view(&self, place: AuditPlace) -> Result<AuditView, AppError> {
        self.trail(place).await.map_err(|error| internal(&error))
    }

    async fn trail(&self, place: AuditPlace) -> Result<AuditView, StoreError> {
        let store = self.installation.store.as_ref();
        let entries = store.audit_before(place.before, AUDIT_PAGE_ROWS).await?;
        let last = match store.audit_before(None, 1).await?.first() {
            Some(entry) => entry.number,
            None => 0,
        };
        let names = self.names_of_today().await?;
        Ok(AuditView {
            as_of: self.installation.clock.now(),
            rows: entries.into_iter().map(|entry| audit_row(entry, &names)).collect(),
            last,
            chain: self.read_chain(place.check).await?,
        })
    }

    /// One reads at a time, and the others go on from there.
    async fn read_chain(&self, anew: bool) -> Result<ChainView, StoreError> {
        let store = self.installation.store.as_ref();
        let mut kept = self.reading.lock().await;
        let begun = kept.take().filter(|_| !anew);
        let mut reading = match begun {
            Some(reading) => reading,
            None => self.reading_from(store.audit_chain().await?),
        };
        let mut broken = read_on(store, &mut reading.chain).await?;
        let beginning = store.audit_chain().await?;
        if broken.is_some() && beginning.cut() > reading.chain.cut() {
            // Old entries went since.
            reading = self.reading_from(beginning);
            broken = read_on(store, &mut reading.chain).await?;
        }
        let view = ChainView {
            cut: reading.chain.cut(),
            through: reading.chain.last(),
            since: reading.since,
            broken,
        };
        // A chain that is broken is read from its beginning the next time: it may have been mended from a backup.
        *kept = Some(reading).filter(|_| view.broken.is_none());
        Ok(view)
    }

    fn reading_from(&self, chain: Chain) -> Reading {
        Reading {
            chain,
            since: self.installation.clock.now(),
        }
    }

    /// Of accounts, tokens and connections, by their ids.
    async fn names_of_today(&self) -> Result<HashMap<Uuid, String>, StoreError> {
        let store = self.installation.store.as_ref();
        let accounts = store.accounts().await?;
        let tokens = store.tokens().await?;
        let connections = store.connections().await?;
        let accounts = accounts.into_iter().map(|account| (account.id.0, account.email));
        let tokens = tokens.into_iter().map(|token| (token.id.0, token.name));
        let connections = connections
            .into_iter()
            .map(|connection| (connection.id.0, connection.tenant_id.to_string()));
        Ok(accounts.chain(tokens).chain(connections).collect())
    }
}

/// Reads on to the end, or as far as one page may. Why the chain does not hold, if it does not.
async fn read_on(store: &dyn Store, chain: &mut Chain) -> Result<Option<String>, StoreError> {
    let until = chain.last() + READ_FOR_A_PAGE;
    while chain.last() < until {
        let some = store.audit_after(chain.last(), READ_AT_ONCE).await?;
        for entry in &some {
            if let Err(broken) = chain.check(entry) {
                return Ok(Some(broken.to_string()));
            }
        }
        if some.len() < READ_AT_ONCE as usize {
            return Ok(chain.end().err().map(|broken| broken.to_string()));
        }
    }
    Ok(None)
}

fn audit_row(entry: AuditEntry, names: &HashMap<Uuid, String>) -> AuditRow {
    let named = |id: Option<Uuid>| id.and_then(|id| names.get(&id).cloned());
    AuditRow {
        actor: match (entry.actor.as_str(), entry.account_id, entry.token_id) {
            ("account", id, _) => AuditActor::Account(named(id.map(|id| id.0))),
            ("token", _, id) => AuditActor::Token(named(id.map(|id| id.0))),
            ("operator", ..) => AuditActor::Operator,
            _ => AuditActor::Nobody,
        },
        number: entry.number,
        at: entry.at,
        origin: entry.origin,
        deed: entry.deed,
        target: entry.target.map(|target| with_names(&target, names)),
    }
}

/// A target with the names of today in the place of ids.
fn with_names(target: &str, names: &HashMap<Uuid, String>) -> String {
    let named = |word: &str| -> String {
        let name = word.parse().ok().and_then(|id: Uuid| names.get(&id));
        name.map_or_else(|| word.to_owned(), String::clone)
    };
    target.split(' ').map(named).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use domain::AccountId;

    use super::*;

    const ANA: Uuid = Uuid::from_u128(7);

    fn names() -> HashMap<Uuid, String> {
        HashMap::from([(ANA, "ana@company.example".to_owned())])
    }

    fn entry(actor: &str, account: Option<Uuid>) -> AuditEntry {
        AuditEntry {
            number: 1,
            at: DateTime::UNIX_EPOCH,
            actor: actor.to_owned(),
            account_id: account.map(AccountId),
            token_id: None,
            origin: None,
            deed: "role_changed".to_owned(),
            target: None,
            hash: String::new(),
        }
    }

    #[test]
    fn things_have_the_names_of_today_or_stay_as_they_are() {
        let told = |target: &str| with_names(target, &names());
        assert_eq!(told(&format!("account {ANA} to admin")), "account ana@company.example to admin");
        let gone = format!("account {}", Uuid::from_u128(8));
        assert_eq!(told(&gone), gone);
        assert_eq!(told("3 new, 4 changed"), "3 new, 4 changed");
    }

    #[test]
    fn who_is_gone_is_told_from_who_never_was() {
        let actor = |kind: &str, account| audit_row(entry(kind, account), &names()).actor;
        let ana = AuditActor::Account(Some("ana@company.example".to_owned()));
        assert_eq!(actor("account", Some(ANA)), ana);
        assert_eq!(actor("account", Some(Uuid::from_u128(8))), AuditActor::Account(None));
        assert_eq!(actor("token", None), AuditActor::Token(None));
        assert_eq!(actor("operator", None), AuditActor::Operator);
        assert_eq!(actor("nobody", None), AuditActor::Nobody);
    }
}
