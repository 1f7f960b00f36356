use secrecy::SecretString;
use std::sync::Arc;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::password::{fits, hash_now};

/// Hashing takes a core and 19 MiB for some 20 ms, so a few passwords are hashed at a time, and a few more may wait.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    turns: Arc<Semaphore>,
    /// Of those that are hashed and those that wait.
    places: Arc<Semaphore>,
}

/// So many wait already that another would wait too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Lane {
    pub(crate) fn new(at_once: usize, places: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// Whether it is the password that was hashed; never, if there is none, but it takes as long.
    pub(crate) async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Full> {
        self.work(move || fits(&password, stored.as_deref())).await
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Full> {
        self.work(move || hash_now(&password)).await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Full> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.expect("a lane is never closed");
        Ok(spawn_blocking(move || held(work, place, turn))
            .await
            .expect("hashing ends"))
    }
}

/// Whoever asked may be gone by now; the core is taken up all the same until the work is done.
fn held<T>(work: impl FnOnce() -> T, _place: OwnedSemaphorePermit, _turn: OwnedSemaphorePermit) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_finds_all_places_taken_is_sent_away_at_once() {
        let lane = Lane::new(1, 2);
        let (finish, finished) = mpsc::channel::<()>();
        let (tell, begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let lane = lane.clone();
            async move {
                lane.work(move || {
                    let _ = tell.send(());
                    finished.recv()
                })
                .await
            }
        });
        begun.await.expect("it began");
        let mut second = Box::pin(lane.work(|| 2));
        assert!(futures_util::poll!(second.as_mut()).is_pending(), "it waits");
        assert_eq!(lane.work(|| 3).await, Err(Full));
        finish.send(()).expect("it waits for this");
        assert!(first.await.expect("no panic").is_ok());
        assert_eq!(second.await, Ok(2));
        assert_eq!(lane.work(|| 3).await, Ok(3), "its place is free again");
    }
}
