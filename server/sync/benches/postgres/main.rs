//! `make bench-postgres`: what a first sync to PostgreSQL costs. (A fleet of connections: `server/benches/fleet.rs`.)
//!
//! The server is a new one of the installed binaries with its own defaults: what it says is committed is on the disk. The
//! provider is the simulator, in a process of its own on loopback. Without arguments it measures all.

mod bare;
#[path = "../syncs/fetching.rs"]
mod fetching;
mod first_sync;
#[path = "../syncs/provider.rs"]
mod provider;
mod report;
mod server;
#[path = "../syncs/table.rs"]
mod table;
#[path = "../syncs/usage.rs"]
mod usage;

use std::process::ExitCode;

use tokio::runtime::Runtime;

/// Members of the tenant whose first sync is timed.
const USERS: u64 = 100_000;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = Runtime::new().expect("a runtime");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match words.as_slice() {
        [] => report::first(USERS),
        ["first", users] => report::first(number(users)),
        ["provider", tenant] => runtime.block_on(provider::serve(tenant)),
        ["bare", address, url] => println!("{}", runtime.block_on(bare::measure(address, url))),
        ["engine", address, url] => println!("{}", runtime.block_on(first_sync::measure(address, url))),
        other => {
            eprintln!("error: {other:?} is nothing to measure\n  next: give no argument, or `first USERS`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
