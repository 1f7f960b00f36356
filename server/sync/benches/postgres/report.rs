//! Runs the measurements in processes of their own, and prints rows of the same table as `make bench` does.

use crate::{
    provider::Provider,
    server::Server,
    table::{Times, as_float, compare, measured, middle, row, thousands},
    usage::cpu_seconds,
};

/// Rounds of the timed syncs; the middle one counts, since a machine is seldom left alone.
const ROUNDS: usize = 3;
const MICROS_PER_SECOND: f64 = 1e6;

/// What two passes over a tenant took, and what the other processes spent on them.
struct Round {
    passes: Vec<Times>,
    /// Of the database's server and of the provider, for both passes together.
    server_cpu: f64,
    provider_cpu: f64,
}

impl Round {
    fn of(part: &str, provider: &Provider) -> Self {
        let server = Server::start();
        let spent = || {
            (
                server.cpu_seconds(),
                cpu_seconds(&provider.child.id().to_string()),
            )
        };
        let before = spent();
        let passes = measured(&[part, &provider.address, &server.url], Times::read);
        let after = spent();
        Self {
            passes,
            server_cpu: after.0 - before.0,
            provider_cpu: after.1 - before.1,
        }
    }
}

/// Rows for a first and an unchanged sync of so many members to a new server, beside a bare loop.
pub(crate) fn first(users: u64) {
    let provider = Provider::start(&format!("users={users},topics=0,views=0"));
    let (mut bare, mut engine) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(Round::of("bare", &provider));
        engine.push(Round::of("engine", &provider));
    }
    let syncs = ["First sync to PostgreSQL", "Unchanged, full sync with PostgreSQL"];
    for (nth, what) in syncs.into_iter().enumerate() {
        let times = |of: &[Round]| middle(&of.iter().map(|round| round.passes[nth]).collect::<Vec<_>>());
        compare(
            &format!("{what} of {} users, beside a bare loop", thousands(users)),
            users,
            times(&engine),
            times(&bare),
        );
    }
    let micros_a_user = |rounds: &[Round], of: fn(&Round) -> f64| {
        let mut seconds: Vec<_> = rounds.iter().map(of).collect();
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2] * MICROS_PER_SECOND / as_float(users)
    };
    let compare_cpu = |what: &str, of: fn(&Round) -> f64| {
        let (ours, theirs) = (micros_a_user(&engine, of), micros_a_user(&bare, of));
        let what = format!("… CPU of {what} for both, a user");
        row(
            &what,
            &format!("{ours:.1} µs"),
            &format!("{theirs:.1} µs"),
            theirs / ours,
        );
    };
    compare_cpu("the database's server", |round| round.server_cpu);
    compare_cpu("the provider", |round| round.provider_cpu);
}
