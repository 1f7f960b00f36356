//! Ties members to companies: those that have changed, and all of them after companies, persons or rules have changed.

use std::{
    collections::HashMap, future::poll_fn, num::NonZeroUsize, ops::ControlFlow, sync::Arc, task::Poll,
};

use chrono::{DateTime, Utc};
use domain::{
    ConnectionId,
    unification::{
        DecidedBy, LeaverByHand, LeaverRule, LeaverSigns, LeftBecause, Match, MatchStatus, RuleSet, WhyNot,
    },
};
use futures_util::{future::join3, lock::Mutex};
use store::{
    DueMember, DuePage, Fenced, Lease, Leaving, Link, MatchCommit, MatchesWritten, NewMatch, PassPage,
    Revision, RuleChange, Store, StoreError, Sweep, SweepStep, Swept, normal_email,
};
use unification::{Lists, Matcher, MatcherBuilder, Threads, Touched, UnusableRuleSet};

use crate::Clock;

/// Members of one transaction: others wait for the write lock meanwhile, and a run that is to stop waits for its end.
const MEMBERS_AT_ONCE: u32 = 4_000;
/// Pages of one step, in which one is read while the one before it is matched and the one before that is written.
const PAGES_AT_ONCE: u32 = 10;
/// Matching takes the thread for so many members, some milliseconds, before what is read and written beside it goes on.
const MEMBERS_BETWEEN_YIELDS: usize = 2_000;
/// Members that a step of a sweep looks at: some megabytes, since little of each is read.
const MEMBERS_SWEPT_AT_ONCE: u32 = 20_000;
/// Companies and persons in memory besides the index of them.
const PARTIES_AT_ONCE: u32 = 5_000;

/// Who brought the rules that a new installation has.
const SHIPPED_BY: &str = "Tributary";

/// What a step of matching came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchStep {
    /// So many members were compared, and there may be more.
    More(u64),
    Done,
    /// The run was asked to stop.
    Stop,
}

/// The rules that decide, over all companies and persons.
#[derive(Debug)]
pub struct Known {
    pub revision: Revision,
    pub matcher: Matcher,
}

/// Whom the changes after a revision touch.
#[derive(Debug)]
struct Sought {
    since: i64,
    revision: Revision,
    touched: Touched,
}

/// Matches members, and keeps the index of companies and persons until one of them changes.
#[derive(Debug)]
pub struct Unifier {
    lists: Lists,
    threads: Threads,
    /// One index at a time is built, since it takes hundreds of megabytes.
    known: Mutex<Option<Arc<Known>>>,
    /// The same for each step of a sweep, and for the sweeps of all connections.
    sought: Mutex<Option<Arc<Sought>>>,
}

impl Unifier {
    pub fn new(lists: Lists, threads: Threads) -> Self {
        Self {
            lists,
            threads,
            known: Mutex::new(None),
            sought: Mutex::new(None),
        }
    }

    /// Looks through some of a connection's members for those whom changes of companies or persons touch, if that is due.
    pub async fn sweep_some(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
        connection: ConnectionId,
        lease: Option<&Lease>,
    ) -> Result<MatchStep, Fenced> {
        let Some(sweep) = store.sweep_due(connection).await? else {
            return Ok(MatchStep::Done);
        };
        let Some(sought) = self.sought(store, sweep.since).await? else {
            // All members are due by that, and no sweep is.
            self.bring_shipped_rules(store, clock).await?;
            return Ok(MatchStep::More(0));
        };
        let step = SweepStep {
            connection_id: connection,
            found: find_touched(store, connection, &sweep, &sought.touched).await?,
            sweep,
            revision: sought.revision.number,
        };
        Ok(match store.write_sweep(lease, &step).await? {
            MatchesWritten::Yes { stop_requested: true } => MatchStep::Stop,
            MatchesWritten::Yes { .. } | MatchesWritten::Outdated => MatchStep::More(0),
        })
    }

    /// `None` if there are no rules yet. What is read in parts is whole if nothing changes until the step is written, which the
    /// store sees to.
    async fn sought(&self, store: &dyn Store, since: i64) -> Result<Option<Arc<Sought>>, StoreError> {
        let mut kept = self.sought.lock().await;
        let revision = store.revision().await?;
        if revision.rule_version == 0 {
            return Ok(None);
        }
        let is_same = |sought: &&Arc<Sought>| sought.since == since && sought.revision == revision;
        if let Some(sought) = kept.as_ref().filter(is_same) {
            return Ok(Some(Arc::clone(sought)));
        }
        let rules = active_rules(store).await?;
        let changes = store.parties_changed(since).await?;
        let touched = Touched::by(&changes, rules, &self.lists)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let sought = Arc::new(Sought {
            since,
            revision,
            touched,
        });
        *kept = Some(Arc::clone(&sought));
        Ok(Some(sought))
    }

    /// Matches some of a connection's members who are to be matched. Who they are is swept for before.
    pub async fn match_some(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
        connection: ConnectionId,
        lease: Option<&Lease>,
    ) -> Result<MatchStep, Fenced> {
        let swept = self.sweep_some(store, clock, connection, lease).await?;
        if swept != MatchStep::Done {
            return Ok(swept);
        }
        let Some(page) = store.members_due(connection, MEMBERS_AT_ONCE).await? else {
            return Ok(MatchStep::Done);
        };
        let known = self.known(store, clock).await?;
        let step = Step {
            unifier: self,
            store,
            clock,
            known: &known,
            connection,
            lease,
        };
        step.run(page).await
    }

    /// The rules with an index as of now.
    pub async fn known(&self, store: &dyn Store, clock: &dyn Clock) -> Result<Arc<Known>, StoreError> {
        let mut kept = self.known.lock().await;
        loop {
            let revision = store.revision().await?;
            if let Some(known) = kept.as_ref().filter(|known| known.revision == revision) {
                return Ok(Arc::clone(known));
            }
            if revision.rule_version == 0 {
                self.bring_shipped_rules(store, clock).await?;
                continue;
            }
            let matcher = self.read(store, kept.take(), revision).await?;
            // What was read in parts is whole if nothing has changed meanwhile.
            if store.revision().await? == revision {
                *kept = Some(Arc::new(Known { revision, matcher }));
            }
        }
    }

    /// Other rules over all companies and persons, as a preview has them: over the index that is kept, if it has what they
    /// compare.
    pub async fn with_rules(
        &self,
        store: &dyn Store,
        clock: &dyn Clock,
        rules: RuleSet,
    ) -> Result<Matcher, StoreError> {
        let known = self.known(store, clock).await?;
        self.over(&known, store, rules).await
    }

    /// The rules that a new installation has.
    pub async fn bring_shipped_rules(&self, store: &dyn Store, clock: &dyn Clock) -> Result<(), StoreError> {
        let brought = RuleChange {
            by: SHIPPED_BY.to_owned(),
            at: clock.now(),
            why: None,
            effect: None,
        };
        // If somebody else was quicker, theirs decide.
        store
            .apply_rules(0, &RuleSet::shipped(), &brought, None)
            .await
            .map(|_| ())
    }

    /// A matcher to be filled, if the rules can be used.
    pub fn builder(&self, rules: RuleSet) -> Result<MatcherBuilder, UnusableRuleSet> {
        Matcher::builder(rules, &self.lists)
    }

    /// The rules that decide. Where nothing but them has changed since an index was made, it is kept.
    async fn read(
        &self,
        store: &dyn Store,
        before: Option<Arc<Known>>,
        revision: Revision,
    ) -> Result<Matcher, StoreError> {
        let rules = active_rules(store).await?;
        match before.filter(|before| is_of_other_rules_alone(before.revision, revision)) {
            Some(before) => self.over(&before, store, rules).await,
            // The one from before is gone by now: two would take twice the memory.
            None => self.index(store, rules).await,
        }
    }

    async fn over(&self, known: &Known, store: &dyn Store, rules: RuleSet) -> Result<Matcher, StoreError> {
        let shared = known.matcher.with_rules(rules.clone(), &self.lists);
        match shared.map_err(|error| StoreError::Corrupt(error.to_string()))? {
            Some(matcher) => Ok(matcher),
            None => self.index(store, rules).await,
        }
    }

    async fn index(&self, store: &dyn Store, rules: RuleSet) -> Result<Matcher, StoreError> {
        let unusable = |error: &dyn std::error::Error| StoreError::Corrupt(error.to_string());
        let mut builder = self.builder(rules).map_err(|error| unusable(&error))?;
        let mut after: Option<String> = None;
        loop {
            let companies = store.companies(after.as_deref(), PARTIES_AT_ONCE).await?;
            let Some(last) = companies.last() else { break };
            after = Some(last.external_id.clone());
            builder
                .companies(&companies, self.threads)
                .map_err(|error| unusable(&error))?;
        }
        let mut after: Option<String> = None;
        loop {
            let persons = store.persons(after.as_deref(), PARTIES_AT_ONCE).await?;
            let Some(last) = persons.last() else { break };
            after = Some(last.external_id.clone());
            builder
                .persons(&persons, self.threads)
                .map_err(|error| unusable(&error))?;
        }
        builder.finish().map_err(|error| unusable(&error))
    }

    /// Whom the rules of a matcher have leave or come back, where that is not as it stands.
    pub async fn leaving(
        &self,
        store: &dyn Store,
        matcher: &Matcher,
        members: &[DueMember],
    ) -> Result<Vec<Leaving>, StoreError> {
        leaving(store, matcher, members).await
    }

    /// What each member is tied to, in their order: by an admin's word, or else by the rules.
    pub fn outcomes(&self, matcher: &Matcher, members: &[DueMember]) -> Vec<Match> {
        // Nobody ends it before its end.
        let by_rules = matcher
            .match_all(members, self.threads, &mut |_| ControlFlow::Continue(()))
            .unwrap_or_default();
        let outcome = |(due, by_rules): (&DueMember, Match)| match &due.link {
            Some(link) => by_hand(link, by_rules),
            None => by_rules,
        };
        members.iter().zip(by_rules).map(outcome).collect()
    }
}

impl Default for Unifier {
    fn default() -> Self {
        Self::new(Lists::shipped(), NonZeroUsize::MIN)
    }
}

/// Each change moves the revision by one, and only a change of the rules moves their version.
fn is_of_other_rules_alone(before: Revision, after: Revision) -> bool {
    after.number == before.number + 1 && after.rule_version != before.rule_version
}

async fn active_rules(store: &dyn Store) -> Result<RuleSet, StoreError> {
    let active = store.active_rules().await?;
    let rules = active.ok_or_else(|| StoreError::Corrupt("there is no rule set".to_owned()))?;
    Ok(rules.rules)
}

/// Matches pages of members, one after the other.
struct Step<'a> {
    unifier: &'a Unifier,
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    known: &'a Known,
    connection: ConnectionId,
    lease: Option<&'a Lease>,
}

impl Step<'_> {
    /// Pages are read ahead of what is written: if somebody else comes between, the store refuses what is outdated.
    async fn run(&self, first: DuePage) -> Result<MatchStep, Fenced> {
        let mut written = 0;
        let mut matched: Option<MatchCommit> = None;
        let mut read = Some(first);
        for pages in 1.. {
            let place = read.as_ref().and_then(Place::after);
            let next_place = place.filter(|_| pages < PAGES_AT_ONCE);
            let members = matched
                .as_ref()
                .map_or(0, |commit| commit.page.members.len() as u64);
            let (outcome, next_matched, next_read) =
                join3(self.write(matched), self.match_page(read), self.read(next_place)).await;
            match outcome? {
                MatchesWritten::Yes { stop_requested: true } => return Ok(MatchStep::Stop),
                MatchesWritten::Yes { .. } => written += members,
                MatchesWritten::Outdated => break,
            }
            (matched, read) = (next_matched?, next_read?);
            if matched.is_none() {
                break;
            }
        }
        Ok(MatchStep::More(written))
    }

    async fn read(&self, place: Option<Place>) -> Result<Option<DuePage>, StoreError> {
        let (store, connection) = (self.store, self.connection);
        Ok(match place {
            None => None,
            Some(Place::Marked { after }) => {
                let members = store.members_marked(connection, &after, MEMBERS_AT_ONCE).await?;
                (!members.is_empty()).then_some(DuePage { members, pass: None })
            }
            Some(Place::Pass(pass)) => Some(DuePage {
                members: store
                    .members_matched(connection, Some(&pass.after), MEMBERS_AT_ONCE)
                    .await?,
                pass: Some(pass),
            }),
        })
    }

    async fn match_page(&self, page: Option<DuePage>) -> Result<Option<MatchCommit>, StoreError> {
        let Some(page) = page else { return Ok(None) };
        let mut changed = Vec::new();
        for members in page.members.chunks(MEMBERS_BETWEEN_YIELDS) {
            let outcomes = self.unifier.outcomes(&self.known.matcher, members);
            changed.extend(not_as_before(members, outcomes));
            let_others_go_on().await;
        }
        Ok(Some(MatchCommit {
            connection_id: self.connection,
            changed,
            leaving: leaving(self.store, &self.known.matcher, &page.members).await?,
            page,
            revision: self.known.revision,
            at: self.clock.now(),
        }))
    }

    async fn write(&self, commit: Option<MatchCommit>) -> Result<MatchesWritten, Fenced> {
        match commit {
            Some(commit) => self.store.write_matches(self.lease, commit).await,
            None => Ok(MatchesWritten::Yes {
                stop_requested: false,
            }),
        }
    }
}

/// The members whose match is not what it was.
fn not_as_before(members: &[DueMember], outcomes: Vec<Match>) -> impl Iterator<Item = NewMatch> {
    let changed = members
        .iter()
        .zip(outcomes)
        .filter(|(due, outcome)| due.before.as_ref() != Some(outcome));
    changed.map(|(due, outcome)| NewMatch {
        community_user_id: due.member.community_user_id.clone(),
        outcome,
    })
}

/// Lets what shares the task with this be polled.
async fn let_others_go_on() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Where a page begins.
enum Place {
    Marked { after: String },
    Pass(PassPage),
}

impl Place {
    /// `None` after the end of a pass.
    fn after(page: &DuePage) -> Option<Self> {
        let after = page.members.last()?.member.community_user_id.clone();
        Some(match &page.pass {
            None => Self::Marked { after },
            Some(pass) => Self::Pass(PassPage {
                after,
                ..pass.clone()
            }),
        })
    }
}

async fn find_touched(
    store: &dyn Store,
    connection: ConnectionId,
    sweep: &Sweep,
    touched: &Touched,
) -> Result<Swept, StoreError> {
    if touched.is_anyone() {
        return Ok(Swept::Anyone);
    }
    let members = store
        .members_to_sweep(connection, &sweep.after, MEMBERS_SWEPT_AT_ONCE)
        .await?;
    // Who comes after the last one while this is read is marked by whoever brings them.
    let more = members.len() >= MEMBERS_SWEPT_AT_ONCE as usize;
    Ok(Swept::Members {
        up_to: members
            .last()
            .filter(|_| more)
            .map(|last| last.community_user_id.clone()),
        looked_at: members.len() as u64,
        touched: members
            .into_iter()
            .filter(|member| touched.touches(member))
            .map(|member| member.community_user_id)
            .collect(),
    })
}

/// What the rules say of members leaving, where it is not as before.
async fn leaving(
    store: &dyn Store,
    matcher: &Matcher,
    members: &[DueMember],
) -> Result<Vec<Leaving>, StoreError> {
    let rule = matcher.rules().leavers;
    let signs = Signs::of(store, rule, matcher, members).await?;
    // What an admin said of somebody's leaving is theirs to change.
    let left_to_rules = members
        .iter()
        .filter(|due| due.left.is_none_or(|left| left.because != LeftBecause::ByHand));
    let judged = left_to_rules.map(|due| (due, rule.left(&signs.of_member(matcher, due))));
    let changed = judged.filter(|(due, left)| due.left != *left);
    Ok(changed
        .map(|(due, left)| Leaving {
            community_user_id: due.member.community_user_id.clone(),
            left,
        })
        .collect())
}

/// What is known of the members of a page; nothing of what the rule does not heed.
#[derive(Default)]
struct Signs {
    inactive_since: HashMap<String, DateTime<Utc>>,
    bounced_at: HashMap<String, DateTime<Utc>>,
}

impl Signs {
    async fn of(
        store: &dyn Store,
        rule: LeaverRule,
        matcher: &Matcher,
        members: &[DueMember],
    ) -> Result<Self, StoreError> {
        let mut signs = Self::default();
        if rule.inactive_person {
            let persons: Vec<String> = members
                .iter()
                .flat_map(|due| persons_of(matcher, due))
                .map(str::to_owned)
                .collect();
            if !persons.is_empty() {
                signs.inactive_since = store.inactive_since(&persons).await?;
            }
        }
        if rule.bounced_email {
            let emails: Vec<String> = members.iter().filter_map(email_of).collect();
            if !emails.is_empty() {
                signs.bounced_at = store.bounces(&emails).await?;
            }
        }
        Ok(signs)
    }

    fn of_member(&self, matcher: &Matcher, due: &DueMember) -> LeaverSigns {
        let inactive_since = || {
            let persons = persons_of(matcher, due).into_iter();
            let since = persons.filter_map(|person| self.inactive_since.get(person));
            // Of several persons with the address, the last one to go.
            since.max().copied()
        };
        let bounced_at = || self.bounced_at.get(&email_of(due)?).copied();
        LeaverSigns {
            person_inactive_since: if self.inactive_since.is_empty() {
                None
            } else {
                inactive_since()
            },
            email_bounced_at: if self.bounced_at.is_empty() {
                None
            } else {
                bounced_at()
            },
            by_hand: due.stays.then_some(LeaverByHand::Stays),
        }
    }
}

/// The persons who may be inactive with the member: the one that an admin named, else those with the member's address.
fn persons_of<'m>(matcher: &'m Matcher, due: &'m DueMember) -> Vec<&'m str> {
    match due
        .link
        .as_ref()
        .and_then(|link| link.person_external_id.as_deref())
    {
        Some(person) => vec![person],
        None => matcher.inactive_persons(&due.member),
    }
}

fn email_of(due: &DueMember) -> Option<String> {
    normal_email(due.member.email.as_deref()?)
}

/// What an admin said, whatever the rules say.
fn by_hand(link: &Link, by_rules: Match) -> Match {
    let is_linked = link.company_external_id.is_some();
    Match {
        status: if is_linked {
            MatchStatus::Matched
        } else {
            MatchStatus::Unmatched
        },
        decided_by: DecidedBy::Hand,
        person_external_id: link.person_external_id.clone(),
        company_external_id: link.company_external_id.clone(),
        why_not: (!is_linked).then_some(WhyNot::UnlinkedByHand),
        domain: by_rules.domain,
        ..Match::default()
    }
}
