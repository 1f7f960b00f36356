//! How long the visitor's session lasts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimes {
    /// By the server's clock; the browser's may be another.
    pub as_of: DateTime<Utc>,
    /// If nothing more is asked for.
    pub ends_at: DateTime<Utc>,
    /// However busy it is.
    pub latest_end: DateTime<Utc>,
}
