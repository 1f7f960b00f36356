//! What monitoring asks.

use domain::{RunState, Stream};
use store::{Figures, StoreError};

use crate::{Columns, runs::read_ledger};

/// From the runs by state, the sums of their streams, the run that waits longest, and the leases.
pub fn read_figures<R: Columns>(
    runs: &[R],
    streams: &[R],
    oldest: &R,
    leases: &[R],
) -> Result<Figures, StoreError> {
    let requests = runs
        .iter()
        .map(|row| row.unsigned("requests"))
        .sum::<Result<u64, _>>()?;
    let runs = runs
        .iter()
        .map(|row| Ok((row.word("state", RunState::parse)?, row.unsigned("runs")?)));
    let streams = streams
        .iter()
        .map(|row| Ok((row.word("stream", Stream::parse)?, read_ledger(row)?)));
    let leases = leases.iter().map(|row| {
        let tenant = row.word("tenant_id", |text| text.parse().ok())?;
        Ok((tenant, row.time("lease_expires_at")?))
    });
    Ok(Figures {
        runs: runs.collect::<Result<_, StoreError>>()?,
        streams: streams.collect::<Result<_, StoreError>>()?,
        requests,
        oldest_queued_at: oldest.optional_time("queued_at")?,
        leases: leases.collect::<Result<_, StoreError>>()?,
    })
}
