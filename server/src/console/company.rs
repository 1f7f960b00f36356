//! What a company's page asks for: what its members did, in which period, beside as many days before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::{
    companies::{
        place::CompanyPlace,
        view::{
            CompanyMember, CompanyView, EngagementView, FiguresView, LOOK_UP_ROWS, SubsidiariesView,
            SubsidiaryRow, TopicView,
        },
    },
    unification::view::MemberName,
};
use chrono::{DateTime, Days as Span, NaiveDate, Utc};
use domain::{
    ActivitySource,
    unification::{Company, RuleSet},
};
use store::{CompanyMembers, Days, MemberEngagement, OfCompanies, StoreError, TiedMember, TopicOfCompany};

use crate::{
    console::{
        Console,
        company_files::{CompanyFile, Held},
        customers::{name_of, offset},
        family::{FAMILY_MAX, Family, own_figures},
    },
    export::Layout,
};

/// Topics and ideas that a page names.
const TOPICS_LISTED: u32 = 6;

/// Two periods of whole days, the later one up to today.
#[derive(Clone, Copy)]
struct Periods {
    now: Days,
    before: Days,
}

impl Periods {
    fn new(as_of: DateTime<Utc>, days: u32) -> Self {
        let back = |day: NaiveDate| day - Span::new(u64::from(days));
        let until = as_of.date_naive() + Span::new(1);
        let from = back(until);
        Self {
            now: Days { from, until },
            before: Days {
                from: back(from),
                until: from,
            },
        }
    }
}

/// The companies of a page, each with its own figures in both periods.
struct Gathered {
    family: Family,
    members: Vec<CompanyMembers>,
    now: BTreeMap<String, FiguresView>,
    before: BTreeMap<String, FiguresView>,
}

impl Console {
    pub(crate) async fn company_page(
        &self,
        company: Company,
        place: &CompanyPlace,
    ) -> Result<CompanyView, StoreError> {
        let (store, as_of) = (&self.installation.store, self.installation.clock.now());
        let periods = Periods::new(as_of, place.period.days());
        let parent = match &company.parent_external_id {
            Some(id) => store.company(id).await?.map(|parent| name_of(&parent)),
            None => None,
        };
        let gathered = self.gather(&company, periods).await?;
        let ids = gathered.family.added_up(&company.external_id, place.below);
        let page = place.page.max(1);
        let members = store
            .members_of_company(&company.external_id, offset(page), LOOK_UP_ROWS)
            .await?;
        Ok(CompanyView {
            as_of,
            parent,
            circle: gathered.family.circle.clone(),
            engagement: self.engagement(&ids, &gathered, periods.now).await?,
            subsidiaries: self.subsidiaries(&company, &gathered).await?,
            members: self.members_of_page(members.rows, &gathered, periods.now).await?,
            members_total: members.total,
            page,
            company,
        })
    }

    /// A file that the page leads to, of the same companies and days; `None` if there is no such company.
    pub(crate) async fn company_file(
        &self,
        place: &CompanyPlace,
        held: Held,
        layout: Layout,
    ) -> Result<Option<CompanyFile>, StoreError> {
        let (store, id) = (&self.installation.store, &place.external_id);
        if store.company(id).await?.is_none() {
            return Ok(None);
        }
        let external_ids = self.family(id).await?.added_up(id, place.below);
        let members = store.members_by_company(&external_ids).await?;
        let now = self.installation.clock.now();
        Ok(Some(CompanyFile {
            held,
            layout,
            of: OfCompanies {
                external_ids,
                days: Periods::new(now, place.period.days()).now,
            },
            with_views: with_views(&members).map(str::to_owned).collect(),
        }))
    }

    async fn family(&self, external_id: &str) -> Result<Family, StoreError> {
        // One more than are added up tells that there are too many.
        let limit = u32::try_from(FAMILY_MAX + 1).unwrap_or(u32::MAX);
        let store = &self.installation.store;
        let below = store.company_with_all_below(external_id, limit).await?;
        Ok(Family::of(external_id, &below))
    }

    async fn gather(&self, company: &Company, periods: Periods) -> Result<Gathered, StoreError> {
        let store = &self.installation.store;
        let family = self.family(&company.external_id).await?;
        let members = store.members_by_company(&family.ids).await?;
        let mut figures = Vec::new();
        for days in [periods.now, periods.before] {
            let active = store.active_members(&family.ids, days).await?;
            let counts = store.counts_by_company(&family.ids, days).await?;
            figures.push(own_figures(&members, &active, &counts));
        }
        Ok(Gathered {
            before: figures.pop().unwrap_or_default(),
            now: figures.pop().unwrap_or_default(),
            family,
            members,
        })
    }

    async fn engagement(
        &self,
        ids: &[String],
        gathered: &Gathered,
        days: Days,
    ) -> Result<EngagementView, StoreError> {
        let store = &self.installation.store;
        let members = gathered
            .members
            .iter()
            .filter(|of| ids.contains(&of.company_external_id));
        let tenants: BTreeMap<&str, Option<ActivitySource>> = members
            .map(|of| (of.tenant_id.as_str(), of.activity_source))
            .collect();
        let overview = self.overview.view().await?;
        let cards = overview
            .cards
            .iter()
            .filter(|card| tenants.contains_key(card.tenant_id.as_str()));
        Ok(EngagementView {
            now: sum(&gathered.now, ids),
            before: sum(&gathered.before, ids),
            communities: tenants.len() as u64,
            without_views: tenants
                .iter()
                .filter(|(_, source)| !has_views(**source))
                .map(|(tenant, _)| (*tenant).to_owned())
                .collect(),
            read_at: cards
                .map(|card| (card.tenant_id.clone(), card.last_success_at))
                .collect(),
            views_by_day: views_by_day(&store.counts_by_day(ids, days).await?, days),
            topics: topics(store.latest_topics(ids, false, TOPICS_LISTED).await?),
            ideas: topics(store.latest_topics(ids, true, TOPICS_LISTED).await?),
            idea_statuses: store.ideas_by_status(ids).await?,
        })
    }

    async fn subsidiaries(
        &self,
        company: &Company,
        gathered: &Gathered,
    ) -> Result<Option<SubsidiariesView>, StoreError> {
        let store = &self.installation.store;
        let children = store.companies_below(&company.external_id).await?;
        if children.is_empty() || !gathered.family.circle.is_empty() {
            return Ok(None);
        }
        let all = gathered.family.rolled_up(&gathered.now);
        let is_known = !gathered.family.too_large;
        let figures = |id: &str| is_known.then(|| all.get(id).copied().unwrap_or_default());
        Ok(Some(SubsidiariesView {
            own: sum(&gathered.now, std::slice::from_ref(&company.external_id)),
            rows: children
                .iter()
                .map(|child| SubsidiaryRow {
                    company: name_of(child),
                    figures: figures(&child.external_id),
                })
                .collect(),
            all: figures(&company.external_id),
        }))
    }

    async fn members_of_page(
        &self,
        members: Vec<TiedMember>,
        gathered: &Gathered,
        days: Days,
    ) -> Result<Vec<CompanyMember>, StoreError> {
        let keys: Vec<(String, String)> = members
            .iter()
            .map(|member| (member.tenant_id.clone(), member.community_user_id.clone()))
            .collect();
        let did = self.installation.store.engagement_of(&keys, days).await?;
        let rules = self.installation.store.active_rules().await?;
        let rules = rules.map(|version| version.rules).unwrap_or_default();
        let did: HashMap<(String, String), MemberEngagement> = did
            .into_iter()
            .map(|of| ((of.tenant_id.clone(), of.community_user_id.clone()), of))
            .collect();
        let counted: BTreeSet<&str> = with_views(&gathered.members).collect();
        let rows = members.into_iter().zip(keys);
        Ok(rows
            .map(|(member, key)| {
                let has_views = counted.contains(member.tenant_id.as_str());
                company_member(member, did.get(&key), has_views, &rules)
            })
            .collect())
    }
}

/// "No view source" is not zero views.
fn has_views(source: Option<ActivitySource>) -> bool {
    matches!(source, Some(ActivitySource::Api | ActivitySource::Import))
}

/// The tenants of members whose views are known.
fn with_views(members: &[CompanyMembers]) -> impl Iterator<Item = &str> {
    let known = members.iter().filter(|of| has_views(of.activity_source));
    known.map(|of| of.tenant_id.as_str())
}

fn sum(figures: &BTreeMap<String, FiguresView>, ids: &[String]) -> FiguresView {
    let mut sum = FiguresView::default();
    for of in ids.iter().filter_map(|id| figures.get(id)) {
        sum += *of;
    }
    sum
}

/// Days without a view are days, too.
fn views_by_day(counts: &[store::DayCount], days: Days) -> Vec<(NaiveDate, u64)> {
    let views = counts.iter().filter(|of| of.kind == "view");
    let views: HashMap<NaiveDate, u64> = views.map(|of| (of.day, of.count)).collect();
    let all = days.from.iter_days().take_while(|day| *day < days.until);
    all.map(|day| (day, views.get(&day).copied().unwrap_or(0)))
        .collect()
}

fn topics(topics: Vec<TopicOfCompany>) -> Vec<TopicView> {
    let view = |topic: TopicOfCompany| TopicView {
        title: topic
            .title
            .unwrap_or_else(|| format!("Topic {}", topic.public_id)),
        tenant_id: topic.tenant_id,
        subtype: topic.subtype,
        // A link leads into the community, and nowhere else.
        href: topic.permalink.filter(|href| href.starts_with("https://")),
        author: topic.author,
        posted_at: topic.posted_at,
        replies: topic.replies,
        votes: topic.votes,
        idea_status: topic.idea_status,
    };
    topics.into_iter().map(view).collect()
}

/// What a rule compares; its id where it is not in use any more.
fn compared(rules: &RuleSet, id: &str) -> String {
    rules.rule(id).map_or_else(
        || id.to_owned(),
        |rule| {
            let fields = rule.conditions.iter().map(|condition| condition.field.label());
            fields.collect::<Vec<_>>().join(" and ")
        },
    )
}

fn company_member(
    member: TiedMember,
    did: Option<&MemberEngagement>,
    has_views: bool,
    rules: &RuleSet,
) -> CompanyMember {
    CompanyMember {
        member: MemberName {
            tenant_id: member.tenant_id,
            community_user_id: member.community_user_id,
            username: member.username,
        },
        email: member.email,
        decided_by: member.decided_by,
        rule: member.rule.map(|id| compared(rules, &id)),
        posts: did.map_or(0, |did| did.posts),
        replies: did.map_or(0, |did| did.replies),
        ideas: did.map_or(0, |did| did.ideas),
        views: has_views.then(|| did.map_or(0, |did| did.views)),
        last_active_at: did.and_then(|did| did.last_active_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).expect("a day")
    }

    #[test]
    fn a_period_reaches_up_to_today_and_the_other_up_to_it() {
        let as_of = date(30).and_hms_opt(7, 0, 0).expect("a time").and_utc();
        let periods = Periods::new(as_of, 10);
        assert_eq!(periods.now.from, date(21));
        assert_eq!(periods.now.until, date(30) + Span::new(1));
        assert_eq!((periods.before.from, periods.before.until), (date(11), date(21)));
    }

    #[test]
    fn a_rule_is_told_by_what_it_compares() {
        let rules = RuleSet::shipped();
        assert_eq!(compared(&rules, "email-domain-to-company"), "Email domain");
        assert_eq!(compared(&rules, "of-last-year"), "of-last-year");
    }

    #[test]
    fn every_day_of_a_period_is_told() {
        let days = Days {
            from: date(1),
            until: date(4),
        };
        let count = |kind: &str, day, count| store::DayCount {
            day: date(day),
            kind: kind.to_owned(),
            count,
        };
        let views = views_by_day(&[count("reply", 1, 9), count("view", 2, 5)], days);
        assert_eq!(views, [(date(1), 0), (date(2), 5), (date(3), 0)]);
    }
}
