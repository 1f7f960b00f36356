//! What the trade's words are called on a page.

use chrono::{DateTime, Utc};
use domain::{
    Mode, Progress, QueuePlace, Role, Run, Stage, StoppedBy, Stream, Trigger, record::InvalidReason,
};

use super::{
    moment,
    number::{counted, grouped},
};

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Csm => "CSM",
    }
}

pub fn stream(stream: Stream) -> &'static str {
    match stream {
        Stream::IdeaStatuses => "Idea statuses",
        Stream::Categories => "Categories",
        Stream::Users => "Users",
        Stream::Topics => "Topics",
        Stream::Replies => "Replies",
        Stream::Activity => "Views",
    }
}

/// The same within a sentence.
pub fn stream_in_text(stream: Stream) -> &'static str {
    match stream {
        Stream::IdeaStatuses => "idea statuses",
        Stream::Categories => "categories",
        Stream::Users => "users",
        Stream::Topics => "topics",
        Stream::Replies => "replies",
        Stream::Activity => "views",
    }
}

pub fn stage(stage: Stage) -> &'static str {
    match (stage, stage.stream()) {
        (_, Some(of)) => stream(of),
        (Stage::Match, _) => "Match",
        (Stage::Trends, _) => "Trends",
        (_, None) => "Connect",
    }
}

/// `Replies, 6 of 9`.
pub fn stage_of_all(at: Stage) -> String {
    format!("{}, {} of {}", stage(at), at.position(), Stage::ALL.len())
}

pub fn trigger(trigger: Trigger, mode: Mode) -> &'static str {
    match (trigger, mode) {
        (Trigger::Scheduled, Mode::Incremental) => "Scheduled",
        (Trigger::Scheduled, Mode::Full) => "Scheduled, full",
        (Trigger::Manual, Mode::Incremental) => "Sync now",
        (Trigger::Manual, Mode::Full) => "Sync now, full",
    }
}

pub fn reason(reason: InvalidReason, of: Stream) -> &'static str {
    match (reason, of) {
        (InvalidReason::MissingId, _) => "The record has no id",
        (InvalidReason::UnreadableTime, Stream::Users) => "Join date cannot be read",
        (InvalidReason::UnreadableTime, Stream::Topics | Stream::Replies) => {
            "Time of the post cannot be read"
        }
        (InvalidReason::UnreadableTime, Stream::Activity) => "Time of the event cannot be read",
        (InvalidReason::UnreadableTime, _) => "A time cannot be read",
        (InvalidReason::UnknownContentType, _) => "Content type is not known",
        (InvalidReason::UnreadableRecord, _) => "The record cannot be read",
        (InvalidReason::TooLarge, _) => "The record is too large",
    }
}

/// What becomes of a record that was set aside.
pub fn outcome(reason: InvalidReason) -> &'static str {
    match reason {
        InvalidReason::UnknownContentType => {
            "Set aside. Tried again by itself as soon as a version knows the type."
        }
        InvalidReason::TooLarge => "Set aside. Tried again whenever a run reads it.",
        InvalidReason::MissingId | InvalidReason::UnreadableTime | InvalidReason::UnreadableRecord => {
            "Set aside. Tried again whenever a run reads it, and when the mapping or this version changes."
        }
    }
}

/// Who stopped a run: `Cancelled by an admin`.
pub fn stopped_by(who: StoppedBy) -> &'static str {
    match who {
        StoppedBy::Admin => "by an admin",
        StoppedBy::Operator => "by an operator",
        StoppedBy::Deactivation => "because the connection was deactivated",
    }
}

/// `Place 2 of 5, starts in about 3 min.` Without a worker nobody knows when.
pub fn place(queue: &QueuePlace, now: DateTime<Utc>) -> String {
    let start = queue.expected_start_at.map_or_else(
        || "starts when a worker is there".to_owned(),
        |at| match (at - now).num_seconds() {
            ..5 => "starts about now".to_owned(),
            _ => format!("starts in about {}", moment::rough(at - now)),
        },
    );
    format!("Place {} of {}, {start}.", queue.place, queue.waiting)
}

/// `waits for the provider, 42 s left`, if it does.
pub fn provider_wait(progress: &Progress, now: DateTime<Utc>) -> Option<String> {
    let left = progress.provider_wait_left(now)?;
    Some(format!("waits for the provider, {} left", moment::length(left)))
}

/// `this stage about 6 min more`, where that is known.
pub fn stage_left(progress: &Progress, now: DateTime<Utc>) -> Option<String> {
    let left = progress.stage_ends_at? - now;
    (left.num_seconds() > 0).then(|| format!("this stage about {} more", moment::rough(left)))
}

/// `6 min 12 s, 288 requests a minute, this stage about 3 min more`; or `6 min 12 s, waits for the provider, 42 s left`.
/// Nothing of a run that has not started.
pub fn pace(
    started: Option<DateTime<Utc>>,
    requests: u64,
    progress: &Progress,
    now: DateTime<Utc>,
) -> String {
    let Some(started) = started else {
        return String::new();
    };
    let elapsed = now - started;
    let mut parts = vec![moment::length(elapsed)];
    if let Some(wait) = provider_wait(progress, now) {
        parts.push(wait);
        return parts.join(", ");
    }
    let on_average = || {
        let seconds = u64::try_from(elapsed.num_seconds()).unwrap_or(0).max(1);
        requests * 60 / seconds
    };
    let per_minute = progress.requests_per_minute.unwrap_or_else(on_average);
    parts.push(format!("{} requests a minute", grouped(per_minute)));
    parts.extend(stage_left(progress, now));
    parts.join(", ")
}

/// What a cancelled run leaves behind: it is kept, and no run goes on from it.
pub fn kept(run: &Run) -> String {
    let read: Vec<&str> = run
        .streams
        .iter()
        .filter(|of| of.ledger.valid() > 0)
        .map(|of| stream_in_text(of.stream))
        .collect();
    let Some((last, others)) = read.split_last() else {
        return "It had stored nothing yet.".to_owned();
    };
    let streams = if others.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} and {last}", others.join(", "))
    };
    let valid = run.total().valid();
    let (are, them) = if valid == 1 { ("is", "it") } else { ("are", "them") };
    format!(
        "{} of {streams} {are} kept; the next run reads {them} again.",
        counted(valid, "record", "records")
    )
}

/// The English name of a two-letter language code, or the code itself in capitals.
pub fn language(code: &str) -> String {
    let known = match code {
        "ar" => "Arabic",
        "cs" => "Czech",
        "da" => "Danish",
        "de" => "German",
        "en" => "English",
        "es" => "Spanish",
        "fi" => "Finnish",
        "fr" => "French",
        "it" => "Italian",
        "ja" => "Japanese",
        "ko" => "Korean",
        "nl" => "Dutch",
        "no" => "Norwegian",
        "pl" => "Polish",
        "pt" => "Portuguese",
        "sv" => "Swedish",
        "tr" => "Turkish",
        "zh" => "Chinese",
        other => return other.to_uppercase(),
    };
    known.to_owned()
}

/// A message as a sentence: it may come without its full stop.
pub fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// For a sentence that goes on after a colon.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_place_names_its_start_as_a_guess() {
        let told =
            |before, running, now_s| place(&QueuePlace::new(before, 5, running, false, at(0)), at(now_s));
        assert_eq!(told(0, 1, 0), "Place 1 of 5, starts about now.");
        assert_eq!(told(3, 1, 0), "Place 4 of 5, starts in about 3 min.");
        assert_eq!(told(3, 1, 500), "Place 4 of 5, starts about now.");
        assert_eq!(told(3, 0, 0), "Place 4 of 5, starts when a worker is there.");
    }

    #[test]
    fn a_wait_counts_down() {
        let progress = Progress {
            waits_for_provider_until: Some(at(42)),
            stage_ends_at: Some(at(400)),
            ..Progress::default()
        };
        let wait = |now_s| provider_wait(&progress, at(now_s));
        assert_eq!(wait(0).as_deref(), Some("waits for the provider, 42 s left"));
        assert_eq!(wait(42), None);
        let stage = stage_left(&progress, at(40));
        assert_eq!(stage.as_deref(), Some("this stage about 6 min more"));
        assert_eq!(stage_left(&progress, at(400)), None);
    }
}
