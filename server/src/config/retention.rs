use std::num::NonZeroU32;

use clap::Args;

/// For how long what grows without end is kept, beside activity, which syncs must know of, too
/// ([`super::Sync::keep_activity_days`]). Members and content are what stands now, and have no age.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Retention {
    /// Days for which records that runs set aside are kept [default: for ever]. The runs and their counts stay
    #[arg(
        long = "keep-invalid-records-days",
        value_name = "N",
        env = "TRIBUTARY_KEEP_INVALID_RECORDS_DAYS"
    )]
    pub(crate) invalid_records: Option<NonZeroU32>,
    /// Days for which entries of the audit trail are kept [default: for ever]. The trail says what went
    #[arg(long = "keep-audit-days", value_name = "N", env = "TRIBUTARY_KEEP_AUDIT_DAYS")]
    pub(crate) audit: Option<NonZeroU32>,
    /// Days for which payloads of invalid records are kept after their run; 0 keeps them for good
    #[arg(
        long = "keep-payloads-days",
        value_name = "N",
        env = "TRIBUTARY_KEEP_PAYLOADS_DAYS",
        default_value_t = 90
    )]
    pub(crate) payloads: u32,
}
