//! Stories about the real binary: each starts it in a folder of its own, on ports of its own.

mod accounts;
mod api;
mod backups;
mod bad_input;
mod cancelling;
mod connections;
mod console;
mod crashes;
mod erasure;
mod exports;
mod hardening;
mod imports;
mod outbound;
mod postgres;
mod postgres_server;
mod replays;
mod secrets;
mod support;
mod syncs;
mod tickets;
mod unification;
mod workers;
