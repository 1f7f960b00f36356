//! How fast one client may ask. It keeps a script that has gone wild, or somebody who tries things out, from taking the
//! console away from the others; it is no guard against many machines.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use tracing::warn;

use super::client::Client;

/// Requests in one go, without a wait. A page with its files is eight; an office of fifty people behind one address who
/// all come back after a restart is four hundred.
const BURST: NonZeroU32 = NonZeroU32::new(600).expect("more than none");
/// Requests a second on the long run. A page with live counts asks once in some seconds, so this is hundreds of them; a
/// program that reads the API page by page gets ten thousand records a second.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("more than none");
/// Clients that are remembered at a time, in some hundred bytes each. Who has not asked for twelve seconds is forgotten;
/// if there are still more, newcomers share one allowance.
const CLIENTS_KEPT: usize = 20_000;

/// Allowances by client.
pub(crate) struct Pace<C: Clock = DefaultClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl Pace {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::with(DefaultClock::default()))
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn with(clock: C) -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Takes one request of the client's allowance; or the seconds to wait for the next.
    fn take(&self, client: IpAddr) -> Result<(), u64> {
        if self.limiter.len() >= CLIENTS_KEPT {
            self.limiter.retain_recent();
        }
        let full = self.limiter.len() >= CLIENTS_KEPT;
        let counted = if full {
            IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)
        } else {
            client
        };
        let refused =
            |until: governor::NotUntil<C::Instant>| until.wait_time_from(self.clock.now()).as_secs() + 1;
        self.limiter.check_key(&counted).map_err(refused)
    }
}

/// Refuses what comes too fast. Whoever is on this machine can do worse, so they are not counted.
pub(crate) async fn keep(State(pace): State<Arc<Pace>>, request: Request, next: Next) -> Response {
    let Some(client) = request
        .extensions()
        .get::<Client>()
        .copied()
        .filter(|client| !client.address.is_loopback())
    else {
        return next.run(request).await;
    };
    match pace.take(client.counted_as()) {
        Ok(()) => next.run(request).await,
        Err(wait_s) => {
            warn!(client = %client.address, "requests come too fast and are refused");
            let mut refused = (
                StatusCode::TOO_MANY_REQUESTS,
                format!("Too many requests come from your address. Wait {wait_s} s, then ask again.\n"),
            )
                .into_response();
            refused
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
            refused
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn client(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number))
    }

    #[test]
    fn an_office_that_comes_back_is_answered_and_a_wild_script_is_not() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with(clock.clone());
        for _ in 0..BURST.get() {
            assert_eq!(pace.take(client(1)), Ok(()));
        }
        assert_eq!(pace.take(client(1)), Err(1));
        assert_eq!(pace.take(client(2)), Ok(()), "others are not held up");
        clock.advance(Duration::from_secs(1));
        for _ in 0..PER_SECOND.get() {
            assert_eq!(pace.take(client(1)), Ok(()));
        }
        assert_eq!(pace.take(client(1)), Err(1));
    }

    #[test]
    fn however_many_come_no_more_are_remembered_than_fit() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::with(clock.clone());
        let many = u32::try_from(CLIENTS_KEPT).expect("a number") + 500;
        for number in 0..many {
            let _ = pace.take(client(number));
        }
        assert!(pace.limiter.len() <= CLIENTS_KEPT + 1, "{}", pace.limiter.len());
        clock.advance(Duration::from_mins(1));
        assert_eq!(pace.take(client(many)), Ok(()));
        assert!(pace.limiter.len() < 10, "{}", pace.limiter.len());
    }
}
