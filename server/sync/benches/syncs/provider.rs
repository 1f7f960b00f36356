//! The simulated provider, as a child process.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use simulator::{Simulator, TenantSpec};
use tokio::net::TcpListener;

pub(crate) const TENANT: &str = "bench-en";
/// A Wednesday.
const NOW_S: i64 = 1_763_553_600;
pub(crate) const SEED: u64 = 20_251_119;

/// When the measurements take place, by the clock of the simulated world.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(NOW_S)
}

/// A command that is this program in another part.
pub(crate) fn this_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program's file"));
    command.args(arguments);
    command
}

/// Serves until the parent lets go of the input, however it ends.
pub(crate) async fn serve(tenant: &str) {
    let spec: TenantSpec = tenant.parse().expect("a tenant");
    let simulator = Simulator::new(SEED, vec![spec], start).expect("a simulator");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let parent_is_gone = async {
        let wait = || std::io::stdin().read_to_end(&mut Vec::new());
        let _ = tokio::task::spawn_blocking(wait).await;
    };
    simulator.serve(listener, parent_is_gone).await.expect("a server");
}

/// A running provider, which ends with this value.
pub(crate) struct Provider {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Provider {
    /// A tenant of this size, such as `users=100,topics=0,views=0`.
    pub(crate) fn start(size: &str) -> Self {
        let mut child = this_program(&["provider", &format!("{TENANT}:{size}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the provider's process");
        let mut address = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("its address");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
