//! What the Rules tab of Unification asks for, over the store and the unifier.

use std::{collections::HashMap, sync::LazyLock};

use app::{
    error::AppError,
    ui::words::sentence,
    unification::{
        draft::Draft,
        view::{
            Applied, Apply, ChangeView, ChangesView, CompanyName, DraftView, MemberName, PreviewState,
            PreviewView, RulesQuery, RulesView, VersionView, Working,
        },
    },
};
use domain::{
    Connection, MatchCounts,
    unification::{Changes, RuleSet},
};
use store::{MatchingDue, RuleChange, RuleUse, RuleVersion, StoreError};
use tracing::{error, info};
use unification::Lists;

use crate::{
    console::{
        Console, internal,
        trials::{Standing, Tried},
        views,
    },
    error::with_sources,
    operations::{
        rules::{self, RulesError},
        unify::{self, match_everything},
    },
};

/// Uses of rules that the history shows: as many as fit a page.
const HISTORY_ROWS: u32 = 20;

/// Domains on the list of free-mail providers that is shipped.
static FREE_MAIL_SHIPPED: LazyLock<u64> = LazyLock::new(|| Lists::shipped().free_mail_len() as u64);

/// Versions are small and never negative.
pub(crate) fn shown(version: i64) -> u32 {
    u32::try_from(version).unwrap_or(u32::MAX)
}

impl Console {
    pub(crate) async fn rules_view(&self, query: RulesQuery) -> Result<RulesView, AppError> {
        let draft = query.draft.as_ref().map(Draft::read).transpose()?;
        let in_use = rules::active(&self.installation)
            .await
            .map_err(|error| internal(&error))?;
        let draft = self.draft_view(&query, draft, &in_use).await?;
        // Whoever looks at the rules is about to try others.
        unify::make_ready(&self.installation);
        self.whole_view(in_use, draft)
            .await
            .map_err(|error| internal(&error))
    }

    async fn whole_view(
        &self,
        in_use: RuleVersion,
        draft: Option<DraftView>,
    ) -> Result<RulesView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let connections = store.connections().await?;
        let mut counts = MatchCounts::default();
        for connection in &connections {
            let of = store.match_counts(connection.id).await?;
            counts.matched += of.matched;
            counts.unmatched += of.unmatched;
            counts.ambiguous += of.ambiguous;
            counts.internal += of.internal;
        }
        Ok(RulesView {
            as_of: clock.now(),
            head: self.head(in_use.version, &in_use.rules).await?,
            counts,
            by_rule: store.members_by_rule().await?,
            history: self.history().await?,
            free_mail_shipped: *FREE_MAIL_SHIPPED,
            rematching: self.rematching(&connections).await?,
            connections: connections.iter().map(views::connection_name).collect(),
            in_use: in_use.rules,
            draft,
        })
    }

    /// How far a pass over all members has come, if one is due, or a sweep over them.
    pub(crate) async fn rematching(&self, connections: &[Connection]) -> Result<Option<Working>, StoreError> {
        let store = &self.installation.store;
        let due = store.matching_due().await?;
        let looked_at = |of: &MatchingDue| of.pass_done.or(of.sweep_done);
        if due.iter().all(|of| looked_at(of).is_none()) {
            return Ok(None);
        }
        let mut working = Working { done: 0, all: 0 };
        for connection in connections {
            let members = store.stored_count(connection.id, domain::Stream::Users).await?;
            let pass = due.iter().find(|of| of.connection_id == connection.id);
            working.all += members;
            working.done += pass.and_then(looked_at).map_or(members, |done| done.min(members));
        }
        Ok(Some(working))
    }

    async fn history(&self) -> Result<Vec<VersionView>, StoreError> {
        let store = &self.installation.store;
        let uses = store.rule_history(HISTORY_ROWS + 1).await?;
        let mut sets = HashMap::new();
        for of in &uses {
            if let Some(version) = store.rules_of(of.version).await? {
                sets.insert(of.version, version.rules);
            }
        }
        let before = uses.iter().skip(1).map(Some).chain([None]);
        let rows = uses.iter().zip(before).map(|(of, before)| {
            let changes = match (
                sets.get(&of.version),
                before.and_then(|before| sets.get(&before.version)),
            ) {
                (Some(after), Some(before)) => after.changes_since(before),
                _ => Vec::new(),
            };
            version_view(of, changes)
        });
        Ok(rows.take(HISTORY_ROWS as usize).collect())
    }

    async fn draft_view(
        &self,
        query: &RulesQuery,
        draft: Option<Draft>,
        in_use: &RuleVersion,
    ) -> Result<Option<DraftView>, AppError> {
        let draft = match (draft, query.restore) {
            (Some(draft), _) => draft,
            (None, Some(version)) => self.restored(version, in_use).await?,
            (None, None) => return Ok(None),
        };
        let problem = self.problem(&draft.set);
        let preview = if query.preview && problem.is_none() {
            Some(self.preview(&draft.set).await?)
        } else {
            None
        };
        Ok(Some(DraftView {
            base: draft.base,
            changes: draft.set.changes_since(&in_use.rules),
            restores: query.restore,
            set: draft.set,
            problem,
            preview,
        }))
    }

    async fn restored(&self, version: u32, in_use: &RuleVersion) -> Result<Draft, AppError> {
        let earlier = self.installation.store.rules_of(version.into()).await;
        let earlier = earlier.map_err(|error| internal(&error))?;
        let set = earlier.ok_or_else(|| no_such_version(version))?.rules;
        Ok(Draft {
            base: shown(in_use.version),
            set,
        })
    }

    async fn preview(&self, set: &RuleSet) -> Result<PreviewState, AppError> {
        let standing = self.trials.ask(&self.installation, set).await;
        match standing.map_err(|error| internal(&error))? {
            Standing::UnderWay(working) => Ok(PreviewState::UnderWay(working)),
            Standing::Over(tried) => {
                let view = self
                    .preview_view(&tried)
                    .await
                    .map_err(|error| internal(&error))?;
                Ok(PreviewState::Ready(Box::new(view)))
            }
            Standing::Failed(reason) => Err(internal(&StoreError::Corrupt(reason))),
        }
    }

    async fn preview_view(&self, tried: &Tried) -> Result<PreviewView, StoreError> {
        let preview = tried.preview.as_ref();
        Ok(PreviewView {
            took_ms: u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX),
            now: preview.now,
            after: preview.after,
            gained: self.changes(&preview.gained).await?,
            lost: self.changes(&preview.lost).await?,
            moved: self.changes(&preview.moved).await?,
            newly_ambiguous: self.changes(&preview.newly_ambiguous).await?,
            leaving: preview.leaving,
            coming_back: preview.coming_back,
        })
    }

    async fn changes(&self, changes: &Changes) -> Result<ChangesView, StoreError> {
        let mut samples = Vec::new();
        for change in &changes.samples {
            samples.push(ChangeView {
                member: MemberName {
                    tenant_id: change.tenant_id.clone(),
                    community_user_id: change.community_user_id.clone(),
                    username: change.username.clone(),
                },
                before: self
                    .company_name(change.before.company_external_id.as_deref())
                    .await?,
                after: self
                    .company_name(change.after.company_external_id.as_deref())
                    .await?,
            });
        }
        Ok(ChangesView {
            members: changes.members,
            samples,
        })
    }

    /// A company that is gone is called by its id.
    pub(crate) async fn company_name(&self, id: Option<&str>) -> Result<Option<CompanyName>, StoreError> {
        let Some(id) = id else {
            return Ok(None);
        };
        let found = self.installation.store.company(id).await?;
        Ok(Some(CompanyName {
            external_id: id.to_owned(),
            name: found.map_or_else(|| id.to_owned(), |company| company.name),
        }))
    }

    /// One that has ended meanwhile is as good as one that was ended.
    pub(crate) fn end_preview(&self, draft: &RuleSet) {
        if self.trials.cancel(draft) {
            info!("the preview of a draft was stopped by hand");
        }
    }

    pub(crate) async fn take_rules(&self, apply: Apply) -> Result<Applied, AppError> {
        let change = RuleChange {
            by: self.who(),
            at: self.installation.clock.now(),
            why: None,
            effect: self.trials.latest(&apply.set).map(|tried| tried.preview.effect()),
        };
        match self.write_rules(&apply, &change).await {
            Ok(version) => {
                info!(version, "rules applied");
                self.match_all_anew();
                Ok(Applied::Version(shown(version)))
            }
            Err(RulesError::Overtaken(_)) => Ok(Applied::Outdated),
            Err(RulesError::Unusable(problem)) => Err(AppError::Refused {
                what: sentence(&problem.to_string()),
                next_action: "Change the draft, and apply it again. The rules in use are as they were."
                    .to_owned(),
            }),
            Err(RulesError::NoSuchVersion(version)) => Err(no_such_version(shown(version))),
            Err(RulesError::Store(error)) => Err(internal(&error)),
            Err(error @ RulesError::Cancelled) => Err(internal(&StoreError::Corrupt(error.to_string()))),
        }
    }

    /// An earlier version comes back as itself, if the draft is still equal to it.
    async fn write_rules(&self, apply: &Apply, change: &RuleChange) -> Result<i64, RulesError> {
        let (installation, base) = (&self.installation, i64::from(apply.base));
        if let Some(version) = apply.restores {
            let earlier = installation.store.rules_of(version.into()).await?;
            if earlier.is_some_and(|earlier| earlier.rules == apply.set) {
                return rules::return_to(installation, base, version.into(), change, &self.by()).await;
            }
        }
        rules::apply(installation, base, &apply.set, change, &self.by()).await
    }

    fn problem(&self, set: &RuleSet) -> Option<String> {
        rules::check(&self.installation, set)
            .err()
            .map(|problem| problem.to_string())
    }

    /// Matches all members in the background; the page says how far it is. Cut off, a worker goes on with it.
    pub(crate) fn match_all_anew(&self) {
        let installation = self.installation.clone();
        tokio::spawn(async move {
            match match_everything(&installation).await {
                Ok(members) => info!(members, "members were matched again"),
                Err(error) => {
                    error!(error = %with_sources(&error), "members could not be matched again; a worker goes on with it");
                }
            }
        });
    }
}

fn version_view(of: &RuleUse, changes: Vec<String>) -> VersionView {
    VersionView {
        version: shown(of.version),
        applied_at: of.at,
        applied_by: of.by.clone(),
        changes,
        reason: of.why.clone(),
        effect: of.effect.clone(),
    }
}

fn no_such_version(version: u32) -> AppError {
    AppError::NotFound {
        what: format!("Version {version} of the rules"),
    }
}
