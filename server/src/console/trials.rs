//! Drafts of rules tried on every member. A trial goes on after the page that asked for it was sent, and the page looks
//! again; asking for the same draft again finds the same trial.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use app::unification::view::Working;
use domain::unification::{Preview, RuleSet};
use store::{Revision, StoreError};
use tokio::sync::{Notify, Semaphore};
use tracing::error;

use crate::{
    error::with_sources,
    installation::Installation,
    operations::rules::{self, RulesError},
};

/// Trials that are kept: some admins at work, each with a draft or two. A result is some kilobytes.
const TRIALS_KEPT: usize = 8;
/// One trial at a time: each has an index of all companies and persons, which takes hundreds of megabytes.
const TRIALS_AT_ONCE: usize = 1;
/// How long a page waits for its trial before it says how far it is: most are over by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a trial is of, and what it is true for.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    set: RuleSet,
    revision: Revision,
    /// Members' matches as of then.
    marker: i64,
}

/// What came of a trial.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) preview: Arc<Preview>,
    pub(crate) took: Duration,
}

#[derive(Debug)]
struct Trial {
    key: Key,
    done: AtomicU64,
    all: AtomicU64,
    /// Nobody will ask for it any more.
    dropped: AtomicBool,
    outcome: Mutex<Option<Result<Tried, String>>>,
    over: Notify,
}

/// How a trial stands.
pub(crate) enum Standing {
    UnderWay(Working),
    Over(Tried),
    /// With the reason, for the log.
    Failed(String),
}

/// The latest trials.
#[derive(Clone)]
pub(crate) struct Trials {
    kept: Arc<Mutex<Vec<Arc<Trial>>>>,
    places: Arc<Semaphore>,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            places: Arc::new(Semaphore::new(TRIALS_AT_ONCE)),
        }
    }
}

impl Trials {
    /// Begins to try a rule set, unless that is under way or done already, and waits for a moment.
    pub(crate) async fn ask(
        &self,
        installation: &Installation,
        set: &RuleSet,
    ) -> Result<Standing, StoreError> {
        let key = Key {
            set: set.clone(),
            revision: installation.store.revision().await?,
            marker: installation.store.change_marker().await?,
        };
        let trial = self.find_or_begin(installation, key);
        let _ = tokio::time::timeout(PATIENCE, trial.wait()).await;
        Ok(trial.standing())
    }

    /// Nobody waits for the trial of this rule set any more: it ends at its next look, and asking again begins anew. False if
    /// there is none under way.
    pub(crate) fn cancel(&self, set: &RuleSet) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cancelled = false;
        kept.retain(|trial| {
            let ends = trial.key.set == *set && matches!(trial.standing(), Standing::UnderWay(_));
            if ends {
                trial.dropped.store(true, Ordering::Relaxed);
            }
            cancelled |= ends;
            !ends
        });
        cancelled
    }

    /// What a rule set was last found to change, if it was tried.
    pub(crate) fn latest(&self, set: &RuleSet) -> Option<Tried> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .rev()
            .filter(|trial| trial.key.set == *set)
            .find_map(|trial| match trial.standing() {
                Standing::Over(tried) => Some(tried),
                Standing::UnderWay(_) | Standing::Failed(_) => None,
            })
    }

    /// A trial of the same draft that is under way stays the one, though something was committed meanwhile: else a busy
    /// installation would never see one end.
    fn find_or_begin(&self, installation: &Installation, key: Key) -> Arc<Trial> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = kept.iter().find(|trial| {
            trial.key == key
                || (trial.key.set == key.set
                    && trial.key.revision == key.revision
                    && matches!(trial.standing(), Standing::UnderWay(_)))
        });
        if let Some(trial) = same {
            return Arc::clone(trial);
        }
        // What failed or is outdated is of no use beside a new one.
        kept.retain(|trial| trial.key.set != key.set);
        while kept.len() >= TRIALS_KEPT {
            kept.remove(0).dropped.store(true, Ordering::Relaxed);
        }
        let trial = Arc::new(Trial {
            key,
            done: AtomicU64::new(0),
            all: AtomicU64::new(0),
            dropped: AtomicBool::new(false),
            outcome: Mutex::new(None),
            over: Notify::new(),
        });
        kept.push(Arc::clone(&trial));
        tokio::spawn(run(
            Arc::clone(&trial),
            installation.clone(),
            Arc::clone(&self.places),
        ));
        trial
    }
}

impl Trial {
    async fn wait(&self) {
        loop {
            let over = self.over.notified();
            if !matches!(self.standing(), Standing::UnderWay(_)) {
                return;
            }
            over.await;
        }
    }

    fn standing(&self) -> Standing {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.as_ref() {
            Some(Ok(tried)) => Standing::Over(tried.clone()),
            Some(Err(reason)) => Standing::Failed(reason.clone()),
            None => Standing::UnderWay(Working {
                done: self.done.load(Ordering::Relaxed),
                all: self.all.load(Ordering::Relaxed),
            }),
        }
    }
}

async fn run(trial: Arc<Trial>, installation: Installation, places: Arc<Semaphore>) {
    let outcome = match places.acquire().await {
        Ok(_place) => try_out(&trial, &installation).await,
        Err(_closed) => return,
    };
    if let Err(error) = &outcome
        && !matches!(error, RulesError::Cancelled)
    {
        error!(error = %with_sources(error), "a draft of rules could not be tried");
    }
    let outcome = outcome.map_err(|error| with_sources(&error));
    *trial.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    trial.over.notify_waiters();
}

async fn try_out(trial: &Trial, installation: &Installation) -> Result<Tried, RulesError> {
    let began = installation.clock.now();
    // It may have waited for its turn.
    if trial.dropped.load(Ordering::Relaxed) {
        return Err(RulesError::Cancelled);
    }
    trial
        .all
        .store(rules::members(installation).await?, Ordering::Relaxed);
    let preview = rules::preview(installation, &trial.key.set, &mut |looked_at| {
        trial.done.store(looked_at, Ordering::Relaxed);
        if trial.dropped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .await?;
    let took = (installation.clock.now() - began).to_std().unwrap_or_default();
    Ok(Tried {
        preview: Arc::new(preview),
        took,
    })
}
