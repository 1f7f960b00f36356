#![doc = include_str!("../README.md")]

mod accounts;
mod cli;
mod commands;
mod config;
mod console;
mod documents;
mod error;
mod export;
mod hardening;
mod http;
mod import;
mod installation;
mod lifecycle;
mod marker;
mod metrics;
mod operations;
mod output;
mod progress;
mod secrets;
mod sign_on;
mod system;
mod telemetry;
mod visitor;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    lifecycle::run(Cli::parse_from(cli::words(std::env::args_os())))
}
