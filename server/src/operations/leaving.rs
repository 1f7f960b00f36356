//! Members who are said to have left their company, or to be with it still. Commands and the console call these.

use domain::{ConnectionId, unification::LeftBecause};
use store::{By, Left, Stays, StoreError};

use crate::{installation::Installation, operations::unify::match_connection};

/// What is kept as the reason where nobody has to give one.
const COUNTED_AGAIN: &str = "Counted again";

/// Keeps that a member has left; `said_by` is shown beside. False if there is no such member.
pub(crate) async fn mark(
    installation: &Installation,
    connection: ConnectionId,
    user: &str,
    reason: &str,
    said_by: &str,
    by: &By,
) -> Result<bool, StoreError> {
    let left = Left {
        because: LeftBecause::ByHand,
        reason: reason.to_owned(),
        by: said_by.to_owned(),
        at: by.at,
    };
    let store = &installation.store;
    store.set_left(connection, user, Some(&left), by).await
}

/// Lets a member count again: what was said by hand is taken back, and a rule that has them leave is overruled. A member whom
/// no rule has leave is left to the rules. False if there is no such member.
pub(crate) async fn count_again(
    installation: &Installation,
    connection: ConnectionId,
    user: &str,
    said_by: &str,
    by: &By,
) -> Result<bool, StoreError> {
    let store = &installation.store;
    if left_because(installation, connection, user).await? == Some(LeftBecause::ByHand) {
        store.set_left(connection, user, None, by).await?;
        match_connection(installation, connection).await?;
    }
    if left_because(installation, connection, user).await?.is_none() {
        return Ok(store.member_tie(connection, user, 0).await?.is_some());
    }
    let stays = Stays {
        reason: COUNTED_AGAIN.to_owned(),
        by: said_by.to_owned(),
        at: by.at,
    };
    store.set_stays(connection, user, Some(&stays), by).await
}

async fn left_because(
    installation: &Installation,
    connection: ConnectionId,
    user: &str,
) -> Result<Option<LeftBecause>, StoreError> {
    let tie = installation.store.member_tie(connection, user, 0).await?;
    Ok(tie.and_then(|tie| tie.left).map(|left| left.because))
}
