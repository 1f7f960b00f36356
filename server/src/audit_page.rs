//! What the page of the audit trail asks for: entries with the names of today, and whether the chain holds.

use std::collections::HashMap;

use app::{
    audit::{
        place::AuditPlace,
        view::{AUDIT_PAGE_ROWS, AuditActor, AuditRow, AuditView, ChainView},
    },
    error::AppError,
};
use store::{AuditEntry, StoreError};
use uuid::Uuid;

use crate::{
    backend::{Console, internal},
    trail::{TrailError, verify},
};

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
            rows: entries
                .into_iter()
                .map(|entry| audit_row(entry, &names))
                .collect(),
            last,
            chain: self.chain(place.check).await?,
        })
    }

    /// Entries never change, so those that this process has read before are read again only where that is asked for:
    /// someone may have changed them past Tributary.
    async fn chain(&self, anew: bool) -> Result<ChainView, StoreError> {
        let store = self.installation.store.as_ref();
        let read = if anew {
            verify(store, |_| {}).await
        } else {
            self.watch.look(store).await
        };
        match read {
            Ok(chain) => Ok(ChainView::Holds {
                through: chain.last(),
                cut: chain.cut(),
                anew,
            }),
            Err(TrailError::Broken(broken)) => Ok(ChainView::Broken(broken.to_string())),
            Err(TrailError::Store(error)) => Err(error),
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

fn audit_row(entry: AuditEntry, names: &HashMap<Uuid, String>) -> AuditRow {
    let known = |id: Option<Uuid>| id.and_then(|id| names.get(&id).cloned());
    AuditRow {
        actor: match (entry.actor.as_str(), entry.account_id, entry.token_id) {
            ("account", id, _) => AuditActor::Account(known(id.map(|id| id.0))),
            ("token", _, id) => AuditActor::Token(known(id.map(|id| id.0))),
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
    let readable = |word: &str| -> String {
        let name = word.parse().ok().and_then(|id: Uuid| names.get(&id));
        name.map_or_else(|| word.to_owned(), String::clone)
    };
    target.split(' ').map(readable).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
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
        assert_eq!(
            told(&format!("account {ANA} to admin")),
            "account ana@company.example to admin"
        );
        let gone = format!("account {}", Uuid::from_u128(8));
        assert_eq!(told(&gone), gone);
        assert_eq!(told("3 new, 4 changed"), "3 new, 4 changed");
    }

    #[test]
    fn who_is_gone_is_told_from_who_never_was() {
        let actor = |kind: &str, account| audit_row(entry(kind, account), &names()).actor;
        let ana = AuditActor::Account(Some("ana@company.example".to_owned()));
        assert_eq!(actor("account", Some(ANA)), ana);
        assert_eq!(
            actor("account", Some(Uuid::from_u128(8))),
            AuditActor::Account(None)
        );
        assert_eq!(actor("token", None), AuditActor::Token(None));
        assert_eq!(actor("operator", None), AuditActor::Operator);
        assert_eq!(actor("nobody", None), AuditActor::Nobody);
    }
}
