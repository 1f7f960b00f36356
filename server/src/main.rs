#![doc = include_str!("../README.md")]

mod accounts;
mod accounts_page;
mod audit_page;
mod backend;
mod browsers;
mod cli;
mod commands;
mod company_files;
mod company_page;
mod config;
mod customers_page;
mod documents;
mod erasing;
mod erasure_page;
mod error;
mod executor;
mod export;
mod family;
mod forgetting;
mod hardening;
mod http;
mod import;
mod installation;
mod leaving;
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
mod sign_on;
mod source;
mod system;
mod telemetry;
mod tickets;
mod tickets_page;
mod tokens_page;
mod trail;
mod trials;
mod unify;
mod users_page;
mod views;
mod visitor;
mod webhook;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

fn main() -> ExitCode {
    lifecycle::run(Cli::parse_from(cli::words(std::env::args_os())))
}
