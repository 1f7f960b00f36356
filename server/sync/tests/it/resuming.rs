//! A run that failed, and the one after it.

use domain::{RunState, Stream};

use crate::{
    community::Community,
    truth::{assert_stored_is_the_truth, counts, ledger},
};

const TENANT: &str = "customer-en:users=430,topics=130,views=650,broken=24";

#[tokio::test]
async fn the_next_run_goes_on_from_the_last_page_and_the_two_together_are_the_truth() {
    for answers in [3, 6, 9, 30, 100] {
        let mut community = Community::start(TENANT).await;
        let failed = community.sync_until(answers).await;
        assert_eq!(failed.state, RunState::Failed);
        let second = community.sync().await;
        assert_eq!(second.state, RunState::CompletedWithInvalid, "{:?}", second.cause);
        assert_eq!(second.resumed_from, Some(failed.id));
        for stream in Stream::ALL {
            let both = ledger(&failed, stream).plus(ledger(&second, stream));
            let truth = counts(&community, stream);
            assert_eq!(
                (both.new, both.invalid),
                (truth.valid, truth.invalid),
                "{answers}: {stream}"
            );
            assert_eq!((both.unchanged, both.repeated), (0, 0), "{answers}: {stream}");
        }
        assert_stored_is_the_truth(&community).await;
        assert_eq!(community.sync().await.resumed_from, None);
    }
}

#[tokio::test]
async fn a_provider_that_comes_back_bit_by_bit_is_read_to_the_end_all_the_same() {
    let mut community = Community::start(TENANT).await;
    let mut runs = vec![community.sync_until(10).await];
    while let Some(last) = runs.last().filter(|last| last.state == RunState::Failed) {
        let last = last.id;
        let next = community.sync_until(20).await;
        assert_eq!(next.resumed_from, Some(last));
        runs.push(next);
    }
    assert!(runs.len() > 4, "{}", runs.len());
    let last = runs.last().expect("a run");
    assert_eq!(
        last.state,
        RunState::CompletedWithInvalid,
        "earlier ones set records aside"
    );
    for stream in Stream::ALL {
        let new: u64 = runs.iter().map(|run| ledger(run, stream).new).sum();
        assert_eq!(new, counts(&community, stream).valid, "{stream}");
    }
    assert_stored_is_the_truth(&community).await;
}

#[tokio::test]
async fn a_full_pass_in_several_runs_knows_what_all_of_them_have_met() {
    let mut community = Community::start(TENANT).await;
    community.sync().await;
    // The pass begins with the lists, members and topics; the last run of it reads but views.
    let mut last = community.sync_until(4).await;
    while last.state == RunState::Failed {
        last = community.sync_until(4).await;
    }
    assert!(last.resumed_from.is_some());
    assert_eq!(
        (last.state, last.total().deleted),
        (RunState::CompletedWithInvalid, 0)
    );
    assert_stored_is_the_truth(&community).await;
}
