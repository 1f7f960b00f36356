//! What the trade's words are called on a page.

use domain::{Mode, Stage, Stream, Trigger, record::InvalidReason};

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
    stage.stream().map_or("Connect", stream)
}

/// `Replies, 6 of 7`.
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
