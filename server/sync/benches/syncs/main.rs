//! `make bench`: what a sync costs, beside the least that it could cost, as ratios within one run.
//!
//! The provider is the simulator, in a process of its own on loopback; everything measured is a process of its own too,
//! so that none inherits another's memory. Without arguments it measures all; with them it is one of its own children.

mod bare;
mod engine;
mod provider;
mod report;

use std::process::ExitCode;

use tokio::runtime::Runtime;

/// Members of the tenant whose syncs are timed.
const TIMED_USERS: u64 = 100_000;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = Runtime::new().expect("a runtime");
    match words.as_slice() {
        [] => report::all(TIMED_USERS),
        ["timed", users] => report::timed(users.parse().expect("a number of users")),
        ["provider", tenant] => runtime.block_on(provider::serve(tenant)),
        ["bare", address] => println!("{}", runtime.block_on(bare::measure(address))),
        ["engine", address] => println!("{}", runtime.block_on(engine::measure(address))),
        ["first", address] => println!("{}", runtime.block_on(engine::measure_first(address))),
        other => {
            eprintln!("error: {other:?} is nothing to measure\n  next: give no argument, or `timed USERS`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
