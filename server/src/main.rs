#![doc = include_str!("../README.md")]

mod accounts;
mod backend;
mod cli;
mod commands;
mod config;
mod customers_page;
mod documents;
mod error;
mod executor;
mod export;
mod forgetting;
mod hardening;
mod http;
mod import;
mod installation;
mod lifecycle;
mod links_page;
mod marker;
mod member_page;
mod metrics;
mod output;
mod overview;
mod places;
mod progress;
mod queue;
mod replay;
mod rotation;
mod rules;
mod rules_page;
mod scheduler;
mod secrets;
mod source;
mod system;
mod telemetry;
mod tickets;
mod tickets_page;
mod trials;
mod unify;
mod users_page;
mod views;
mod webhook;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    lifecycle::run(Cli::parse_from(cli::words(std::env::args_os())))
}
