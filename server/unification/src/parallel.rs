use std::{num::NonZeroUsize, ops::ControlFlow, thread};

/// How many threads share the work.
pub type Threads = NonZeroUsize;

/// Below this many items a thread costs more than it saves.
const ITEMS_MIN: usize = 1_000;
/// Items between two looks at whether to go on: some 10 ms of work.
const CHUNK_ITEMS: usize = 10_000;

/// The caller ended the work before it was done; nothing of it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// The results of each part of the items, in their order.
pub(crate) fn parts<T: Sync, R: Send>(
    items: &[T],
    threads: Threads,
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let threads = threads.get().min(items.len() / ITEMS_MIN).max(1);
    if threads == 1 {
        return vec![work(items)];
    }
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|part| scope.spawn(move || work(part)))
            .collect();
        let joined = started.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.collect()
    })
}

/// The result of each item, in their order. After each chunk `progress` is told how many items are done, and may end the work.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    threads: Threads,
    work: impl Fn(&T) -> R + Sync,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<R>, Cancelled> {
    let mut results = Vec::with_capacity(items.len());
    for chunk in items.chunks(CHUNK_ITEMS) {
        let done = parts(chunk, threads, |part| part.iter().map(&work).collect::<Vec<_>>());
        results.extend(done.into_iter().flatten());
        if progress(results.len()).is_break() && results.len() < items.len() {
            return Err(Cancelled);
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(number: usize) -> Threads {
        Threads::new(number).unwrap()
    }

    #[test]
    fn results_are_in_the_order_of_the_items_on_any_number_of_threads() {
        let items: Vec<usize> = (0..25_001).collect();
        for number in [1, 2, 3, 64] {
            let mut told = Vec::new();
            let results = each(&items, threads(number), |item| item * 2, &mut |done| {
                told.push(done);
                ControlFlow::Continue(())
            });
            assert_eq!(results, Ok(items.iter().map(|item| item * 2).collect()));
            assert_eq!(told, [10_000, 20_000, 25_001]);
        }
    }

    #[test]
    fn work_ends_after_the_chunk_in_which_it_is_cancelled() {
        let mut told = Vec::new();
        let result = each(&[(); 25_000], threads(2), |()| (), &mut |done| {
            told.push(done);
            ControlFlow::Break(())
        });
        assert_eq!((result, told), (Err(Cancelled), vec![10_000]));
    }
}
