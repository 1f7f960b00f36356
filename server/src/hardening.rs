//! What the process gives up before it holds a secret.

/// No core dump, which would hold every secret in memory; and no look into the memory by other processes of this user.
#[cfg(target_os = "linux")]
pub(crate) fn close_memory() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Either alone is enough for a core dump to a file. A system that refuses both still runs syncs.
    if let Err(error) = setrlimit(Resource::Core, nothing) {
        tracing::warn!(%error, "core dumps are not switched off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user may read the memory of this one");
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn close_memory() {}
