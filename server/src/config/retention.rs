use std::num::NonZeroU32;

use clap::Args;

/// For how long what grows without end is kept. Members and content are what stands now, and have no age.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Retention {
    /// Days for which activity and its trends are kept [default: for ever]. A full sync reads older activity again if the
    /// provider still serves it, and it is forgotten again
    #[arg(
        long = "keep-activity-days",
        value_name = "N",
        env = "TRIBUTARY_KEEP_ACTIVITY_DAYS"
    )]
    pub(crate) activity: Option<NonZeroU32>,
    /// Days for which records that runs set aside are kept [default: for ever]. The runs and their counts stay
    #[arg(
        long = "keep-invalid-records-days",
        value_name = "N",
        env = "TRIBUTARY_KEEP_INVALID_RECORDS_DAYS"
    )]
    pub(crate) invalid_records: Option<NonZeroU32>,
}
