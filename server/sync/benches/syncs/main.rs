//! `make bench`: what a sync costs, beside the least that it could cost, as ratios within one run.
//!
//! The provider is the simulator, in a process of its own on loopback; everything measured is a process of its own too,
//! so that none inherits another's memory. What `report` prints are rows of the table that `.make/bench` begins.

mod bare;
mod engine;
mod fetching;
mod provider;
mod report;
mod table;
mod usage;

use std::process::ExitCode;

use tokio::runtime::Runtime;

const USAGE: &str = "give no argument, `long`, `speed USERS`, `memory USERS...`, `requests` or `cancel`";

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().expect("a number of users");
    match words.as_slice() {
        [] => report::all(),
        ["long"] => report::long(),
        ["speed", users] => report::speed(number(users)),
        ["memory", users @ ..] => report::memory(users.iter().map(|users| number(users))),
        ["requests"] => report::requests(),
        ["cancel"] => report::cancel(),
        ["provider", tenant] => runtime().block_on(provider::serve(tenant)),
        part => {
            let Some(measured) = runtime().block_on(child(part)) else {
                eprintln!("error: {part:?} is nothing to measure\n  next: {USAGE}");
                return ExitCode::from(2);
            };
            println!("{measured}");
        }
    }
    ExitCode::SUCCESS
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// What one of the program's own children measures; `None` if it is no such part.
async fn child(part: &[&str]) -> Option<String> {
    Some(match part {
        ["bare", address] => bare::measure(address).await,
        ["fetching", address] => bare::measure_fetching(address).await,
        ["engine", address] => engine::measure(address).await,
        ["first", address] => engine::measure_first(address).await,
        ["cancelled", address] => engine::measure_cancelled(address).await,
        _ => return None,
    })
}
