//! What the page of users without a company asks for.

use app::{
    error::AppError,
    unification::{
        place::{UsersFilter, UsersPlace},
        view::{GroupView, HeadView, MemberName, USERS_PAGE_ROWS, UserRow, UsersView},
    },
};
use chrono::{DateTime, Days, Utc};
use domain::unification::WhyNot;
use store::{DueMember, StoreError, WithoutCompany, WithoutGroup};
use sync::Known;

use crate::{
    backend::{Console, internal},
    rules_page::shown,
    views,
};

/// Groups that a page shows: what helps most.
const GROUPS_SHOWN: u32 = 5;

impl Console {
    pub(crate) async fn users_view(&self, place: UsersPlace) -> Result<UsersView, AppError> {
        self.users_page(place).await.map_err(|error| internal(&error))
    }

    async fn users_page(&self, place: UsersPlace) -> Result<UsersView, StoreError> {
        let (store, clock) = (self.installation.store.as_ref(), self.installation.clock.as_ref());
        let as_of = clock.now();
        let known = self.installation.unifier.known(store, clock).await?;
        let asked = asked(&place.filter, as_of);
        let of_any_cause = WithoutCompany {
            cause: None,
            ..asked.clone()
        };
        let offset = u64::from(place.page.max(1) - 1) * u64::from(USERS_PAGE_ROWS);
        let found = store
            .members_without_company(&asked, offset, USERS_PAGE_ROWS)
            .await?;
        let groups = store.groups_without_company(&asked, GROUPS_SHOWN).await?;
        let all = store.causes_without_company(&WithoutCompany::default()).await?;
        let connections = store.connections().await?;
        Ok(UsersView {
            as_of,
            head: HeadView {
                version: shown(known.revision.rule_version),
                rules: known.matcher.rules().rules.len() as u64,
                without_company: all.iter().map(|(_, count)| count).sum(),
            },
            causes: store.causes_without_company(&of_any_cause).await?,
            groups: groups.into_iter().map(group_view).collect(),
            rules: known.matcher.rules().clone(),
            rows: found.rows.into_iter().map(|due| user_row(due, &known)).collect(),
            total: found.total,
            rematching: self.rematching(&connections).await?,
            connections: connections.iter().map(views::connection_name).collect(),
        })
    }
}

fn asked(filter: &UsersFilter, now: DateTime<Utc>) -> WithoutCompany {
    WithoutCompany {
        cause: filter.cause,
        connection: filter.connection,
        domain: filter.domain.clone(),
        rule: filter.rule.clone(),
        since: filter
            .days
            .and_then(|days| now.checked_sub_days(Days::new(days.into()))),
    }
}

fn group_view(group: WithoutGroup) -> GroupView {
    GroupView {
        cause: group.cause,
        domain: group.domain,
        members: group.members,
    }
}

fn user_row(due: DueMember, known: &Known) -> UserRow {
    let explanation = known.matcher.explain(&due.member);
    let cause = due.before.and_then(|outcome| outcome.why_not);
    let member = due.member;
    UserRow {
        member: MemberName {
            tenant_id: member.tenant_id,
            community_user_id: member.community_user_id,
            username: member.username,
        },
        email: member.email,
        cause: cause.unwrap_or(WhyNot::NoCandidate),
        rules: explanation.rules,
    }
}
