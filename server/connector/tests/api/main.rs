//! The connector over real connections.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod ask;
mod http;
mod simulator;
mod support;
