//! Where every operation of a worker waits for its turn.
//!
//! An operation has two turns: at the first it takes effect, at the second its result is handed out. The dice say whose
//! turn is next, and one operation is over before the next begins, so that neither threads nor sockets have a say.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::Dice;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::oneshot;

/// Hands a result to whoever waits for it.
type Delivery = Box<dyn FnOnce() + Send>;

enum Turn {
    /// Takes effect with its next turn.
    Effect(BoxFuture<'static, Delivery>),
    /// Is handed out with its next turn.
    Result(Delivery),
    /// Is over when the clock says so.
    Sleep(DateTime<Utc>, Delivery),
}

struct Waiting {
    worker: u32,
    label: String,
    turn: Turn,
    /// Nobody waits for it any more.
    forsaken: Box<dyn Fn() -> bool + Send>,
}

struct State {
    dice: Dice,
    now: DateTime<Utc>,
    waiting: Vec<Waiting>,
    /// Operations take no time; only sleeping does.
    instant: bool,
    trace: blake3::Hasher,
    told: Vec<String>,
    tells: bool,
}

pub(crate) struct Desk(Mutex<State>);

impl Desk {
    /// With `tells`, the trace is kept as text, too.
    pub(crate) fn new(dice: Dice, now: DateTime<Utc>, tells: bool) -> Self {
        Self(Mutex::new(State {
            dice,
            now,
            waiting: Vec::new(),
            instant: false,
            trace: blake3::Hasher::new(),
            told: Vec::new(),
            tells,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.state().now
    }

    /// From now on operations take no time.
    pub(crate) fn be_instant(&self) {
        self.state().instant = true;
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.state().now += time;
    }

    pub(crate) fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.state().dice)
    }

    /// Writes into the trace.
    pub(crate) fn tell(&self, line: &str) {
        self.state().tell(line);
    }

    pub(crate) fn trace(&self) -> (blake3::Hash, Vec<String>) {
        let state = self.state();
        (state.trace.finalize(), state.told.clone())
    }

    /// Waits for the two turns of an operation.
    pub(crate) async fn operation<T: Send + 'static>(
        &self,
        worker: u32,
        label: String,
        effect: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let waits = Arc::clone(&sender);
        let effect = async move {
            let result = effect.await;
            let deliver: Delivery = Box::new(move || deliver(&sender, result));
            deliver
        };
        self.state().waiting.push(Waiting {
            worker,
            label,
            turn: Turn::Effect(effect.boxed()),
            forsaken: Box::new(move || is_forsaken(&waits)),
        });
        handed_out(receiver).await
    }

    pub(crate) async fn sleep(&self, worker: u32, duration: Duration) {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let waits = Arc::clone(&sender);
        {
            let mut state = self.state();
            let due = state.now + TimeDelta::from_std(duration).expect("a short sleep");
            state.waiting.push(Waiting {
                worker,
                label: "sleep".into(),
                turn: Turn::Sleep(due, Box::new(move || deliver(&sender, ()))),
                forsaken: Box::new(move || is_forsaken(&waits)),
            });
        }
        handed_out(receiver).await;
    }

    /// Gives one turn to a worker that is not frozen. False if there is nothing to give it to.
    pub(crate) async fn turn(&self, is_frozen: impl Fn(u32) -> bool) -> bool {
        let Some(Waiting {
            worker,
            label,
            turn,
            forsaken,
        }) = self.state().take_next(is_frozen)
        else {
            return false;
        };
        match turn {
            Turn::Effect(effect) => {
                let delivery = effect.await;
                let turn = Turn::Result(delivery);
                self.state().waiting.push(Waiting {
                    worker,
                    label,
                    turn,
                    forsaken,
                });
            }
            Turn::Result(deliver) | Turn::Sleep(_, deliver) => deliver(),
        }
        true
    }
}

impl State {
    fn tell(&mut self, line: &str) {
        self.trace.update(line.as_bytes());
        self.trace.update(b"\n");
        if self.tells {
            let line = format!("{} {line}", self.now.format("%d %H:%M:%S%.3f"));
            self.told.push(line);
        }
    }

    fn take_next(&mut self, is_frozen: impl Fn(u32) -> bool) -> Option<Waiting> {
        self.waiting.retain(|waiting| !(waiting.forsaken)());
        let mut ready = self.ready(&is_frozen);
        if ready.is_empty() {
            // Nothing happens before the next sleeper wakes up.
            let awake = self.waiting.iter().filter(|waiting| !is_frozen(waiting.worker));
            self.now = awake.filter_map(due).min()?.max(self.now);
            ready = self.ready(&is_frozen);
        }
        let next = ready[self.dice.place(ready.len())];
        let waiting = self.waiting.remove(next);
        let kind = match &waiting.turn {
            Turn::Effect(_) => {
                self.take_time();
                "does"
            }
            Turn::Result(_) => "has",
            Turn::Sleep(..) => "wakes",
        };
        self.tell(&format!("{} {kind} {}", waiting.worker, waiting.label));
        Some(waiting)
    }

    fn ready(&self, is_frozen: impl Fn(u32) -> bool) -> Vec<usize> {
        let is_ready =
            |waiting: &Waiting| !is_frozen(waiting.worker) && due(waiting).is_none_or(|due| due <= self.now);
        (0..self.waiting.len())
            .filter(|index| is_ready(&self.waiting[*index]))
            .collect()
    }

    /// Operations are quick, but for some.
    fn take_time(&mut self) {
        if self.instant {
            return;
        }
        let bound = if self.dice.one_in(40) { 8_000 } else { 300 };
        let took = self.dice.below(bound);
        self.now += TimeDelta::milliseconds(i64::try_from(took).unwrap_or(0));
    }
}

fn due(waiting: &Waiting) -> Option<DateTime<Utc>> {
    match waiting.turn {
        Turn::Sleep(due, _) => Some(due),
        _ => None,
    }
}

type Sender<T> = Mutex<Option<oneshot::Sender<T>>>;

fn deliver<T>(sender: &Sender<T>, result: T) {
    let sender = sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Whoever waited may have gone.
    let _ = sender.map(|sender| sender.send(result));
}

fn is_forsaken<T>(sender: &Sender<T>) -> bool {
    let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
    sender.as_ref().is_none_or(oneshot::Sender::is_closed)
}

async fn handed_out<T>(receiver: oneshot::Receiver<T>) -> T {
    match receiver.await {
        Ok(result) => result,
        // Only at the end of the simulation.
        Err(_) => std::future::pending().await,
    }
}
