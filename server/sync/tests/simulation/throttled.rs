//! A first sync in peace, on a clock that moves only where something waits: how long it takes is how well it keeps pace.

use std::{sync::Arc, time::Duration};

use domain::{Dice, Extent, Mode, Run, RunId, Trigger};
use store::{ClaimRequest, ClaimedRun, NewRun};
use sync::Settings;
use uuid::Uuid;

use crate::world::{Ground, World};

pub(crate) const SEED: u64 = 300;
/// Every kind of listing, and a request for the replies of most topics.
pub(crate) const TENANT: &str = "customer-en:users=9000,topics=420,views=900";
/// More of them. At most a dozen answers of a sync can be asked for only once another is there: the longer an answer takes,
/// the longer a sync has to be for these not to count.
pub(crate) const LARGER: &str = "customer-en:users=9000,topics=1200,views=900";

pub(crate) struct Sync {
    pub(crate) run: Run,
    /// The connection's next run, as it is taken up.
    pub(crate) kept: Option<ClaimedRun>,
}

impl Sync {
    /// The time that it took, over the time that its requests need in a minute of so many.
    pub(crate) fn ratio(&self, per_minute: u32) -> f64 {
        let took = self.run.finished_at.expect("an end") - self.run.started_at.expect("a start");
        let needed =
            f64::from(u32::try_from(self.run.requests).expect("a few")) * 60.0 / f64::from(per_minute);
        took.as_seconds_f64() / needed
    }
}

pub(crate) async fn first_sync(
    ground: &Ground,
    tenant: &str,
    latency_ms: u64,
    settings: Settings,
    faults: &str,
) -> Sync {
    let tenant = tenant.parse().expect("a tenant");
    let mut world = World::of_tenant(ground, SEED, false, Dice::new(SEED), tenant).await;
    world.desk.be_instant();
    world.latency = Duration::from_millis(latency_ms);
    world.settings = Arc::new(settings);
    world.switch_faults(faults);
    let extent = Extent {
        mode: Mode::Full,
        all_replies: false,
    };
    let (connection, books) = (world.connection.clone(), Arc::clone(&world.books));
    let run = world.run(&connection, &books, extent, false).await;
    let run = run.expect("a run that ends");
    let kept = next_run(&world).await;
    world.close().await;
    Sync { run, kept }
}

async fn next_run(world: &World) -> Option<ClaimedRun> {
    let next = NewRun {
        id: RunId(Uuid::from_u128(0x999)),
        connection_id: world.connection.id,
        trigger: Trigger::Manual,
        extent: Extent {
            mode: Mode::Incremental,
            all_replies: false,
        },
        queued_at: world.desk.now(),
    };
    world.store.enqueue(&next, None).await.expect("a queue");
    let claim = ClaimRequest {
        worker: "simulated".into(),
        now: world.desk.now(),
        lease_ttl: world.settings.lease_ttl,
        only: None,
    };
    world.store.claim(&claim).await.expect("a queue")
}
