use serde::{Deserialize, Serialize};

/// What the frame around every page shows. Resolved before the render: the left navigation never waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameView {
    /// The badge beside Community Management.
    pub failing_connections: u32,
    /// Whether this process runs syncs itself.
    pub worker: bool,
}
