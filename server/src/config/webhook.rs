use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::{error::CommandError, operations::webhook::Webhook};

/// Who receives tickets of members without a company.
#[derive(Clone, Debug, Args)]
pub(crate) struct TicketWebhook {
    #[arg(
        help = "Where tickets of members without a company are posted to, such as https://desk.example/hooks/tributary \
                [default: nowhere]",
        long,
        global = true,
        help_heading = super::COMMON,
        value_name = "URL",
        env = "TRIBUTARY_TICKET_WEBHOOK_URL",
        hide_env_values = true,
        value_parser = receiver
    )]
    ticket_webhook_url: Option<Url>,
    /// File that holds the secret by which the receiver knows that a ticket is ours
    #[arg(
        long,
        global = true,
        help_heading = super::COMMON,
        value_name = "FILE",
        env = "TRIBUTARY_TICKET_WEBHOOK_SECRET_FILE"
    )]
    ticket_webhook_secret_file: Option<PathBuf>,
}

impl TicketWebhook {
    /// The file is read when something is posted: a secret that was changed is taken at once.
    pub(crate) fn read(&self) -> Result<Option<Webhook>, CommandError> {
        match (&self.ticket_webhook_url, &self.ticket_webhook_secret_file) {
            (None, _) => Ok(None),
            (Some(url), Some(file)) => Ok(Some(Webhook::new(url.clone(), file.clone()))),
            (Some(_), None) => Err(CommandError::usage(
                "a webhook for tickets is named, and no secret to sign them with",
                "Name a file with the secret, with --ticket-webhook-secret-file (or TRIBUTARY_TICKET_WEBHOOK_SECRET_FILE).",
            )),
        }
    }
}

/// Part of the path is often secret itself, so the URL is repeated nowhere.
fn receiver(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("give a URL such as https://desk.example/hooks/tributary".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or password in the URL is not sent; the signature says who posts".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_is_a_url_without_credentials() {
        assert!(receiver("https://desk.example/hooks/1?a=b").is_ok());
        assert!(receiver("http://127.0.0.1:9/").is_ok());
        for not_one in [
            "desk.example",
            "ftp://desk.example",
            "mailto:a@b.example",
            "https://u:p@desk.example/",
        ] {
            assert!(receiver(not_one).is_err(), "{not_one}");
        }
    }
}
