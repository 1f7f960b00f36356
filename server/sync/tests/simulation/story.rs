//! What happens in one seed: a few runs under bad stars, with days between them, and two in peace.

use std::{collections::HashMap, sync::Arc};

use chrono::TimeDelta;
use domain::{Extent, Mode, Run, RunId};

use crate::{
    check::{self, Checked, snapshot},
    world::{Ground, World},
};

/// What the provider does, with the more usual more often. The numbers are drawn where there is a `*`.
const PROFILES: [&str; 22] = [
    "none",
    "none",
    "none",
    "none",
    "mixed:every=*",
    "mixed:every=*",
    "reset:every=*",
    "truncated:every=*",
    "html:every=*",
    "slow:every=*",
    "throttle:every=*",
    "throttle-bare:every=*",
    "throttle-date:every=*",
    "unavailable:every=*",
    "token-unavailable:every=*",
    "expired-token",
    "shifting",
    "duplicated:every=*",
    "ends-early:every=*",
    "lost:every=*",
    "hidden-category",
    "no-activity",
];

/// Runs before those in peace.
const RUNS_MAX: u64 = 4;

/// What happens in the tenant while one run is under way, at most.
const HAPPENINGS_MAX: u32 = 24;

/// Under what a run took place.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) profile: String,
    /// One operation of the store in so many fails; 0 for none.
    pub(crate) trouble: u64,
    pub(crate) disrupted: bool,
    /// Something happens in the tenant once in so many turns; 0 for never.
    pub(crate) lives: u64,
    /// How often something is viewed while the views are read.
    pub(crate) views: u64,
    /// How often a topic begins or moves while the topics are read.
    pub(crate) posts: u64,
    /// How often the tenant had changed when the first of the runs that go on from each other began.
    pub(crate) since: u64,
    /// The tenant has not changed since.
    pub(crate) at_rest: bool,
}

/// What became of a seed.
pub(crate) struct Outcome {
    pub(crate) trace: blake3::Hash,
    pub(crate) told: Vec<String>,
    pub(crate) checked: Checked<()>,
}

pub(crate) async fn tell(ground: &Ground, seed: u64, tells: bool) -> Outcome {
    let mut world = World::new(ground, seed, tells).await;
    let checked = Story {
        world: &mut world,
        changes_at_start: HashMap::new(),
    }
    .goes()
    .await;
    let (trace, told) = world.desk.trace();
    world.close().await;
    Outcome { trace, told, checked }
}

struct Story<'w> {
    world: &'w mut World,
    /// How often the tenant had changed when the first of the runs that go on from each other began.
    changes_at_start: HashMap<RunId, u64>,
}

impl Story<'_> {
    async fn goes(&mut self) -> Checked<()> {
        let neighbour = self.world.neighbour.clone();
        let full = Extent {
            mode: Mode::Full,
            all_replies: false,
        };
        let run = self.world.run(&neighbour, &Arc::default(), full, false).await?;
        assert!(run.state.is_success(), "{run:?}");
        let before = snapshot(self.world, &neighbour).await;
        for _ in 0..=self.world.dice.below(RUNS_MAX) {
            let circumstances = self.draw_circumstances();
            let extent = self.world.next_extent().await;
            self.run(extent, circumstances).await?;
            self.time_passes();
        }
        for mode in [Mode::Incremental, Mode::Full] {
            let peace = Circumstances {
                profile: "none".into(),
                trouble: 0,
                disrupted: false,
                lives: 0,
                views: 0,
                posts: 0,
                since: 0,
                at_rest: true,
            };
            let extent = Extent {
                mode,
                all_replies: mode == Mode::Full,
            };
            let run = self.run(extent, peace).await?;
            if !run.state.is_success() {
                return Err(format!("a run in peace ends {:?}", run.state));
            }
            // The last one is not to go on from a failed one, but to read it all.
            self.world.desk.pass(TimeDelta::hours(25));
        }
        if snapshot(self.world, &neighbour).await != before {
            return Err("the neighbour was touched".into());
        }
        Ok(())
    }

    fn draw_circumstances(&mut self) -> Circumstances {
        let dice = &mut self.world.dice;
        let every = 2 + dice.below(9);
        Circumstances {
            profile: dice.pick(&PROFILES).replace('*', &every.to_string()),
            trouble: dice.pick(&[0, 0, 0, 30, 100]),
            disrupted: !dice.one_in(3),
            lives: dice.pick(&[0, 0, 0, 6, 20, 60]),
            views: dice.pick(&[0, 0, 2, 6]),
            posts: dice.pick(&[0, 2, 6]),
            since: 0,
            at_rest: true,
        }
    }

    async fn run(&mut self, extent: Extent, mut circumstances: Circumstances) -> Checked<Run> {
        self.world.switch_faults(&circumstances.profile);
        self.world.trouble.set(circumstances.trouble);
        self.world.lives = circumstances.lives;
        self.world.happenings_left = HAPPENINGS_MAX;
        self.world.will_act(circumstances.views, circumstances.posts);
        let connection = self.world.connection.clone();
        let books = Arc::clone(&self.world.books);
        let changes = self.world.changes;
        let run = self
            .world
            .run(&connection, &books, extent, circumstances.disrupted)
            .await?;
        self.world.trouble.set(0);
        self.world.lives = 0;
        self.world.will_act(0, 0);
        let first = run.resumed_from.and_then(|from| self.changes_at_start.get(&from));
        let at_start = first.copied().unwrap_or(changes);
        self.changes_at_start.insert(run.id, at_start);
        circumstances.since = at_start;
        circumstances.at_rest = at_start == self.world.changes;
        check::after_run(self.world, &run, &circumstances)
            .await
            .map_err(|wrong| format!("run {} under {circumstances:?}: {wrong}", self.world.runs))?;
        Ok(run)
    }

    fn time_passes(&mut self) {
        let hours = self.world.dice.pick(&[0, 1, 20, 30]);
        self.world.desk.pass(TimeDelta::hours(hours));
        let days = self.world.dice.pick(&[0, 0, 0, 1, 1, 3]);
        self.world.advance(days);
    }
}
