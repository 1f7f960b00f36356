//! What the page of the audit trail asks for: entries with the names of today, and whether the chain holds.

use std::collections::HashMap;

use app::{
    audit::{
        place::AuditPlace,
        view::{AUDIT_PAGE_ROWS, AuditActor, AuditRow, AuditView, ChainView},
    },
    error::AppError,
};
use store::{Actor, AuditEntry, AuditFilter, Deed, StoreError};
use uuid::Uuid;

use crate::{
    console::{Console, internal},
    operations::trail::{TrailError, verify},
};

impl Console {
    pub(crate) async fn audit_view(&self, place: AuditPlace) -> Result<AuditView, AppError> {
        let filter = filter_of(place.deed.as_deref(), place.who.as_deref())?;
        let shown = self.trail(&place, &filter).await;
        shown.map_err(|error| internal(&error))
    }

    async fn trail(&self, place: &AuditPlace, filter: &AuditFilter) -> Result<AuditView, StoreError> {
        let store = self.installation.store.as_ref();
        let entries = store
            .audit_found_before(filter, place.before, AUDIT_PAGE_ROWS)
            .await?;
        let latest = store.audit_found_before(&AuditFilter::default(), None, 1).await?;
        let found = if place.is_narrowed() {
            Some(store.audit_found(filter).await?)
        } else {
            None
        };
        let people = self.people(filter.actor).await?;
        let names = self.names_of_today().await?;
        Ok(AuditView {
            as_of: self.installation.clock.now(),
            rows: entries
                .into_iter()
                .map(|entry| audit_row(entry, &names))
                .collect(),
            last: latest.first().map_or(0, |entry| entry.number),
            found,
            newer: self.newer(place, filter).await?,
            deeds: Deed::ALL.map(|deed| deed.as_str().to_owned()).into(),
            people,
            chain: self.chain(place.check).await?,
        })
    }

    /// The page of those that come right after this one, which is full or the latest.
    async fn newer(
        &self,
        place: &AuditPlace,
        filter: &AuditFilter,
    ) -> Result<Option<AuditPlace>, StoreError> {
        let Some(before) = place.before else {
            return Ok(None);
        };
        let store = self.installation.store.as_ref();
        let newer = store
            .audit_found_after(filter, before.saturating_sub(1), AUDIT_PAGE_ROWS + 1)
            .await?;
        let past = newer.get(AUDIT_PAGE_ROWS as usize).map(|entry| entry.number);
        Ok((!newer.is_empty()).then(|| place.turned(past)))
    }

    /// Whoever may be chosen: accounts and tokens that are there, and who is chosen now.
    async fn people(&self, chosen: Option<Actor>) -> Result<Vec<(String, AuditActor)>, StoreError> {
        let store = self.installation.store.as_ref();
        let accounts = store.accounts().await?.into_iter();
        let accounts = accounts.map(|account| {
            (
                Actor::Account(account.id),
                AuditActor::Account(Some(account.email)),
            )
        });
        let tokens = store.tokens().await?.into_iter();
        let tokens = tokens.map(|token| (Actor::Token(token.id), AuditActor::Token(Some(token.name))));
        let others = [
            (Actor::Operator, AuditActor::Operator),
            (Actor::Nobody, AuditActor::Nobody),
        ];
        let mut people: Vec<_> = accounts.chain(tokens).chain(others).collect();
        if let Some(gone) = chosen.filter(|chosen| people.iter().all(|(actor, _)| actor != chosen)) {
            people.push((gone, nameless(gone)));
        }
        Ok(people
            .into_iter()
            .map(|(actor, told)| (actor.to_string(), told))
            .collect())
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

/// What is asked for by an address. Empty is what a form sends of a choice that was not made.
pub(crate) fn filter_of(deed: Option<&str>, who: Option<&str>) -> Result<AuditFilter, AppError> {
    let refused = |what: String| AppError::Refused {
        what,
        next_action: "Open the whole trail, and choose from its lists.".to_owned(),
    };
    let chosen = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
    let deed = chosen(deed)
        .map(|name| Deed::parse(&name).ok_or_else(|| refused(format!("The trail knows no deed “{name}”."))))
        .transpose()?;
    let actor = chosen(who)
        .map(|name| {
            Actor::parse(&name).ok_or_else(|| {
                refused(format!(
                    "“{name}” is nobody: neither account:ID, token:ID, operator nor nobody."
                ))
            })
        })
        .transpose()?;
    Ok(AuditFilter { deed, actor })
}

/// Somebody who is there no more.
fn nameless(actor: Actor) -> AuditActor {
    match actor {
        Actor::Account(_) => AuditActor::Account(None),
        Actor::Token(_) => AuditActor::Token(None),
        Actor::Operator => AuditActor::Operator,
        Actor::Nobody => AuditActor::Nobody,
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
    fn what_an_address_asks_for_is_read_or_refused_by_name() {
        let nothing = Ok(AuditFilter::default());
        assert_eq!(filter_of(None, None), nothing);
        assert_eq!(filter_of(Some(""), Some("")), nothing, "an untouched form");
        let asked = filter_of(Some("role_changed"), Some(&format!("account:{ANA}")));
        let expected = AuditFilter {
            deed: Some(Deed::RoleChanged),
            actor: Some(Actor::Account(AccountId(ANA))),
        };
        assert_eq!(asked, Ok(expected));
        let refused = filter_of(Some("role_lost"), None).expect_err("no such deed");
        assert_eq!(refused.to_string(), "The trail knows no deed “role_lost”.");
        let refused = filter_of(None, Some("ana")).expect_err("no such name");
        assert!(refused.to_string().starts_with("“ana” is nobody"));
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
