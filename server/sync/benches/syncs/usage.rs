//! What the kernel says that this process has used (Linux, `proc_pid_stat(5)` and `proc_pid_status(5)`).

/// The kernel's clock tick towards programs, on every architecture that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;
/// The fields of `stat` that follow the program's name begin with the third; user and system time are 14 and 15.
const USER_TIME: usize = 14 - 3;

/// Seconds of all threads together, in user and system mode.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux machine");
    let (_, after_name) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks = |field: &str| field.parse::<f64>().expect("a number of ticks");
    let times = after_name.split(' ').skip(USER_TIME).take(2).map(ticks);
    times.sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory that was resident at once since the process began, in KiB.
pub(crate) fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).expect("a number of KiB")
}

/// Wall and CPU time of one piece of work, in seconds.
pub(crate) struct Watch {
    started: std::time::Instant,
    cpu: f64,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self {
            cpu: cpu_seconds(),
            started: std::time::Instant::now(),
        }
    }

    /// As a line that the parent reads: `WALL CPU`.
    pub(crate) fn read(&self) -> String {
        let wall = self.started.elapsed().as_secs_f64();
        format!("{wall} {}", cpu_seconds() - self.cpu)
    }
}
