//! What the kernel says that this process has used (Linux, `proc_pid_stat(5)` and `proc_pid_status(5)`).

/// The kernel's clock tick towards programs, on every architecture that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;
/// The fields of `stat` that follow the program's name begin with the third; user and system time are 14 and 15.
pub(crate) const USER_TIME: usize = 14 - 3;

/// Seconds of all threads of a process together, in user and system mode; of this one by the name `self`.
pub(crate) fn cpu_seconds(process: &str) -> f64 {
    let stat = stat(process).expect("a process on a Linux machine");
    seconds(&stat, USER_TIME)
}

/// The fields after the program's name; `None` of what is no process, or none any more.
pub(crate) fn stat(process: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    Some(after_name.split(' ').map(str::to_owned).collect())
}

/// A user time and the system time after it.
pub(crate) fn seconds(stat: &[String], user_time: usize) -> f64 {
    let ticks = |field: &String| field.parse::<f64>().expect("a number of ticks");
    stat[user_time..user_time + 2].iter().map(ticks).sum::<f64>() / TICKS_PER_SECOND
}

/// Wall and CPU time of one piece of work, in seconds.
pub(crate) struct Watch {
    started: std::time::Instant,
    cpu: f64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            cpu: cpu_seconds("self"),
            started: std::time::Instant::now(),
        }
    }

    /// As a line that the parent reads: `WALL CPU`.
    pub(crate) fn read(&self) -> String {
        let wall = self.started.elapsed().as_secs_f64();
        format!("{wall} {}", cpu_seconds("self") - self.cpu)
    }
}
