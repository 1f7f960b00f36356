//! What a member's page asks for, and what an admin says there.

use std::collections::BTreeSet;

use app::{
    error::AppError,
    unification::{
        place::MemberKey,
        view::{
            CompanyName, FormerView, FormerlyLeftView, LeftView, MemberName, MemberView, Said, SaidOfLeaving,
            SaidView,
        },
    },
};
use domain::{
    Connection, TenantId,
    unification::{Explanation, Match, RuleResult},
};
use store::{FailedFilter, FormerMatch, Left, Link, MemberTie, StoreError};
use tracing::info;

use crate::{
    console::{Console, internal, rules::shown},
    operations::{leaving, unify::match_connection},
};

/// Former matches that a page lists.
const HISTORY_ROWS: u32 = 50;

impl Console {
    pub(crate) async fn member_view(&self, key: MemberKey) -> Result<MemberView, AppError> {
        let (connection, tie) = self.tie(&key).await?;
        self.member_page(&connection, tie)
            .await
            .map_err(|error| internal(&error))
    }

    async fn tie(&self, key: &MemberKey) -> Result<(Connection, MemberTie), AppError> {
        let connection = self.connection_of(key).await?;
        let store = &self.installation.store;
        let tie = store
            .member_tie(connection.id, &key.community_user_id, HISTORY_ROWS)
            .await
            .map_err(|error| internal(&error))?;
        Ok((connection, tie.ok_or_else(no_such_member)?))
    }

    async fn connection_of(&self, key: &MemberKey) -> Result<Connection, AppError> {
        let tenant: TenantId = key.tenant_id.parse().map_err(|_| no_such_member())?;
        let found = self.installation.store.connection_of_tenant(&tenant).await;
        found
            .map_err(|error| internal(&error))?
            .ok_or_else(no_such_member)
    }

    async fn member_page(&self, connection: &Connection, tie: MemberTie) -> Result<MemberView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let known = self.installation.unifier.known(store, clock).await?;
        let explanation = known.matcher.explain(&tie.due.member);
        let outcome = tie.due.before.clone().unwrap_or_default();
        let ticket = self.ticket_holding(connection, &tie).await?;
        let mut history = Vec::new();
        for former in &tie.history {
            history.push(self.former_view(former).await?);
        }
        let member = tie.due.member;
        let names = [member.first_name, member.last_name];
        let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(MemberView {
            as_of: clock.now(),
            member: MemberName {
                tenant_id: connection.tenant_id.to_string(),
                community_user_id: member.community_user_id,
                username: member.username,
            },
            full_name: Some(full_name).filter(|name| !name.trim().is_empty()),
            email: member.email,
            deleted_at: tie.deleted_at,
            status: outcome.status,
            decided_by: outcome.decided_by,
            company: self.company_name(outcome.company_external_id.as_deref()).await?,
            names: self.names_spoken_of(&outcome, &explanation).await?,
            rule: outcome.rule,
            person_external_id: outcome.person_external_id,
            decided_at: tie.stored.map(|stored| stored.decided_at),
            explanation,
            ticket,
            said: tie.due.link.map(|link| SaidView {
                reason: link.reason,
                by: link.by,
                at: link.at,
            }),
            left: tie.left.map(left_view),
            stays: tie.stays.map(|stays| SaidView {
                reason: stays.reason,
                by: stays.by,
                at: stays.at,
            }),
            formerly_left: tie
                .formerly_left
                .into_iter()
                .map(|before| FormerlyLeftView {
                    left: left_view(before.left),
                    until: before.until,
                })
                .collect(),
            history,
        })
    }

    /// The newest ticket that holds the member, for as long as they have had no company since.
    async fn ticket_holding(
        &self,
        connection: &Connection,
        tie: &MemberTie,
    ) -> Result<Option<i64>, StoreError> {
        let key = (
            connection.tenant_id.to_string(),
            tie.due.member.community_user_id.clone(),
        );
        let filter = FailedFilter {
            connection: Some(connection.id),
            why: tie.due.before.as_ref().and_then(|outcome| outcome.why_not),
            only: Some(vec![key]),
            ..FailedFilter::default()
        };
        let found = self.installation.store.failed_members(&filter, 0, 1).await?;
        Ok(found.first().and_then(|failed| failed.ticket))
    }

    async fn former_view(&self, former: &FormerMatch) -> Result<FormerView, StoreError> {
        let outcome = &former.stored.outcome;
        Ok(FormerView {
            status: outcome.status,
            decided_by: outcome.decided_by,
            rule: outcome.rule.clone(),
            rule_version: shown(former.stored.rule_version),
            company: self.company_name(outcome.company_external_id.as_deref()).await?,
            from: former.stored.decided_at,
            until: former.until,
        })
    }

    async fn names_spoken_of(
        &self,
        outcome: &Match,
        explanation: &Explanation,
    ) -> Result<Vec<CompanyName>, StoreError> {
        let mut names = Vec::new();
        for id in spoken_of(outcome, explanation) {
            names.extend(self.company_name(Some(&id)).await?);
        }
        Ok(names)
    }

    pub(crate) async fn keep_said(&self, key: MemberKey, said: Said) -> Result<(), AppError> {
        let connection = self.connection_of(&key).await?;
        let link = match said {
            Said::Company { external_id, reason } => {
                self.check_company(&external_id).await?;
                Some((Some(external_id), reason))
            }
            Said::NoCompany { reason } => Some((None, reason)),
            Said::Nothing => None,
        };
        let link = link.map(|(company_external_id, reason)| Link {
            company_external_id,
            person_external_id: None,
            reason,
            by: self.who(),
            at: self.installation.clock.now(),
        });
        let store = &self.installation.store;
        let kept = store
            .set_link(connection.id, &key.community_user_id, link.as_ref(), &self.by())
            .await
            .map_err(|error| internal(&error))?;
        self.matched_anew(&connection, kept).await?;
        info!(tenant = %connection.tenant_id, linked = link.is_some(), "a member's company was said by hand");
        Ok(())
    }

    async fn check_company(&self, external_id: &str) -> Result<(), AppError> {
        let found = self.installation.store.company(external_id).await;
        if found.map_err(|error| internal(&error))?.is_none() {
            return Err(AppError::Refused {
                what: format!("There is no company with the external id {external_id}."),
                next_action: "Look it up under Customers, or create it there. Nothing was changed."
                    .to_owned(),
            });
        }
        Ok(())
    }

    pub(crate) async fn keep_left(&self, key: MemberKey, said: SaidOfLeaving) -> Result<(), AppError> {
        let connection = self.connection_of(&key).await?;
        let (installation, user, by) = (&self.installation, key.community_user_id.as_str(), self.by());
        let kept = match &said {
            SaidOfLeaving::Left { reason } => {
                leaving::mark(installation, connection.id, user, reason, &self.who(), &by).await
            }
            SaidOfLeaving::Back => {
                leaving::count_again(installation, connection.id, user, &self.who(), &by).await
            }
            SaidOfLeaving::Nothing => installation.store.set_stays(connection.id, user, None, &by).await,
        };
        let kept = kept.map_err(|error| internal(&error))?;
        self.matched_anew(&connection, kept).await?;
        info!(tenant = %connection.tenant_id, "something was said by hand of a member's leaving");
        Ok(())
    }

    /// The page that comes next shows the member as matched by then.
    async fn matched_anew(&self, connection: &Connection, kept: bool) -> Result<(), AppError> {
        if !kept {
            return Err(no_such_member());
        }
        match_connection(&self.installation, connection.id)
            .await
            .map_err(|error| internal(&error))?;
        Ok(())
    }
}

fn left_view(left: Left) -> LeftView {
    LeftView {
        because: left.because,
        said: SaidView {
            reason: left.reason,
            by: left.by,
            at: left.at,
        },
    }
}

/// The companies of a member's match and of its explanation, candidates first.
fn spoken_of(outcome: &Match, explanation: &Explanation) -> Vec<String> {
    let of_match = outcome
        .candidates
        .iter()
        .filter_map(|candidate| candidate.company_external_id.clone());
    let of_rules = explanation.rules.iter().flat_map(|rule| match &rule.result {
        RuleResult::Ambiguous { candidates, .. } | RuleResult::SeveralWithoutCompany { candidates } => {
            candidates
                .iter()
                .filter_map(|candidate| candidate.company_external_id.clone())
                .collect()
        }
        RuleResult::Decided {
            company_external_id, ..
        } => vec![company_external_id.clone()],
        _ => Vec::new(),
    });
    let all = of_match
        .chain(of_rules)
        .chain(outcome.company_external_id.clone());
    let mut seen = BTreeSet::new();
    all.filter(|id| seen.insert(id.clone())).collect()
}

fn no_such_member() -> AppError {
    AppError::NotFound {
        what: "This member".to_owned(),
    }
}
