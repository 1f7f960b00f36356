use std::{fs, path::PathBuf};

use clap::Args;
use domain::Role;
use secrecy::SecretString;
use url::Url;

use crate::{
    config::Console,
    error::CommandError,
    sign_on::{CALLBACK_PATH, RoleClaim, RoleRules, Settings},
};

/// Where the help lists these.
const HEADING: &str = "Single sign-on (OpenID Connect)";

/// The identity provider with which people sign on, if there is one.
#[derive(Clone, Debug, Args)]
pub(crate) struct SignOn {
    /// The provider, as its discovery document names it, such as <https://id.example/realms/staff>
    #[arg(long = "sign-on-issuer", help_heading = HEADING, value_name = "URL", env = "TRIBUTARY_SIGN_ON_ISSUER", value_parser = issuer)]
    issuer: Option<Url>,
    /// What this installation is called at the provider
    #[arg(
        long = "sign-on-client-id",
        help_heading = HEADING,
        value_name = "ID",
        env = "TRIBUTARY_SIGN_ON_CLIENT_ID"
    )]
    client_id: Option<String>,
    /// File that holds the client secret, and nothing else
    #[arg(
        long = "sign-on-client-secret-file",
        help_heading = HEADING,
        value_name = "FILE",
        env = "TRIBUTARY_SIGN_ON_CLIENT_SECRET_FILE"
    )]
    client_secret_file: Option<PathBuf>,
    /// What the provider is asked for beside openid, comma-separated
    #[arg(
        long = "sign-on-scopes",
        help_heading = HEADING,
        value_name = "SCOPES",
        env = "TRIBUTARY_SIGN_ON_SCOPES",
        value_delimiter = ',',
        default_value = "email,profile"
    )]
    scopes: Vec<String>,
    /// Claims of which each makes an admin, separated by semicolons, such as groups=tributary-admins
    #[arg(
        long = "sign-on-admin",
        help_heading = HEADING,
        value_name = "CLAIM=VALUE",
        env = "TRIBUTARY_SIGN_ON_ADMIN",
        value_delimiter = ';'
    )]
    admin: Vec<RoleClaim>,
    /// Claims of which each makes a CSM, separated by semicolons, such as groups=customer-success
    #[arg(
        long = "sign-on-csm",
        help_heading = HEADING,
        value_name = "CLAIM=VALUE",
        env = "TRIBUTARY_SIGN_ON_CSM",
        value_delimiter = ';'
    )]
    csm: Vec<RoleClaim>,
    /// What the button says: "Sign in with NAME" [default: the provider's host]
    #[arg(
        long = "sign-on-name",
        help_heading = HEADING,
        value_name = "NAME",
        env = "TRIBUTARY_SIGN_ON_NAME"
    )]
    name: Option<String>,
}

impl SignOn {
    /// `None` where none is set up. Half of it is an error, which says what is missing.
    pub(crate) fn settings(&self, console: &Console) -> Result<Option<Settings>, CommandError> {
        if self.is_unset() {
            return Ok(None);
        }
        let (Some(issuer), Some(client_id), Some(file), Some(origin), false) = (
            &self.issuer,
            &self.client_id,
            &self.client_secret_file,
            &console.public_origin,
            self.admin.is_empty() && self.csm.is_empty(),
        ) else {
            return Err(self.incomplete(console));
        };
        let mut redirect = origin.clone();
        redirect.set_path(CALLBACK_PATH);
        Ok(Some(Settings {
            issuer: as_named(issuer),
            client_id: client_id.clone(),
            client_secret: read_secret(file)?,
            scopes: self.scopes.iter().map(|scope| scope.trim().to_owned()).collect(),
            roles: RoleRules::new(&[(Role::Admin, &self.admin), (Role::Csm, &self.csm)]),
            name: self.name.clone().unwrap_or_else(|| host(issuer)),
            origin: origin.origin().ascii_serialization(),
            redirect: redirect.into(),
        }))
    }

    fn is_unset(&self) -> bool {
        self.issuer.is_none()
            && self.client_id.is_none()
            && self.client_secret_file.is_none()
            && self.admin.is_empty()
            && self.csm.is_empty()
            && self.name.is_none()
    }

    fn incomplete(&self, console: &Console) -> CommandError {
        let roles = self.admin.is_empty() && self.csm.is_empty();
        let missing: Vec<&str> = [
            (self.issuer.is_none(), "TRIBUTARY_SIGN_ON_ISSUER"),
            (self.client_id.is_none(), "TRIBUTARY_SIGN_ON_CLIENT_ID"),
            (
                self.client_secret_file.is_none(),
                "TRIBUTARY_SIGN_ON_CLIENT_SECRET_FILE",
            ),
            (roles, "TRIBUTARY_SIGN_ON_ADMIN or TRIBUTARY_SIGN_ON_CSM"),
            (
                console.public_origin.is_none(),
                "TRIBUTARY_PUBLIC_ORIGIN, which the provider sends people back to",
            ),
        ]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
        CommandError::usage(
            format!(
                "single sign-on is set up by halves; missing: {}",
                missing.join("; ")
            ),
            "Set what is missing, or unset every TRIBUTARY_SIGN_ON_ variable. Nobody can sign on by halves.",
        )
    }
}

/// A URL without a path gets a slash when it is parsed, which issuers are named without.
fn as_named(issuer: &Url) -> String {
    let text = issuer.as_str();
    if issuer.path() == "/" {
        text.trim_end_matches('/').to_owned()
    } else {
        text.to_owned()
    }
}

fn host(issuer: &Url) -> String {
    issuer.host_str().unwrap_or_default().to_owned()
}

fn issuer(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let bare = matches!(url.scheme(), "https" | "http")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then_some(url)
        .ok_or_else(|| "give the issuer alone, such as https://id.example/realms/staff".to_owned())
}

fn read_secret(file: &PathBuf) -> Result<SecretString, CommandError> {
    let next = "Write the client secret alone into a file that only the server can read, and name it with \
                TRIBUTARY_SIGN_ON_CLIENT_SECRET_FILE.";
    let text = fs::read_to_string(file).map_err(|error| {
        CommandError::usage(
            format!(
                "the client secret file {} cannot be read: {error}",
                file.display()
            ),
            next,
        )
    })?;
    // An editor ends the file with a line break, which is no part of the secret.
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err(CommandError::usage(
            format!(
                "the client secret file {} does not hold one line with a secret",
                file.display()
            ),
            next,
        ));
    }
    Ok(SecretString::from(secret))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::error::Exit;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        console: Console,
        #[command(flatten)]
        sign_on: SignOn,
    }

    const WHOLE: [&str; 5] = [
        "--public-origin=https://tributary.example",
        "--sign-on-issuer=https://id.example",
        "--sign-on-client-id=tributary",
        "--sign-on-client-secret-file=/dev/null",
        "--sign-on-admin=groups=tributary-admins",
    ];

    fn settings(given: &[&str]) -> Result<Option<Settings>, CommandError> {
        let line = Line::try_parse_from(["tributary"].iter().chain(given)).expect("options");
        line.sign_on.settings(&line.console)
    }

    #[test]
    fn nothing_is_set_up_by_itself() {
        assert!(settings(&[]).expect("none").is_none());
        assert!(settings(&WHOLE[..1]).expect("none").is_none());
    }

    #[test]
    fn half_of_it_is_refused_and_says_what_is_missing() {
        let names = [
            "PUBLIC_ORIGIN",
            "ISSUER",
            "CLIENT_ID",
            "CLIENT_SECRET_FILE",
            "ADMIN",
        ];
        for (left_out, name) in names.iter().enumerate() {
            let mut given = WHOLE.to_vec();
            given.remove(left_out);
            let error = settings(&given).expect_err(name);
            assert_eq!(error.exit, Exit::Usage);
            assert!(error.what().contains(name), "{error}");
            let roles = usize::from(*name == "ADMIN");
            assert_eq!(error.what().matches("TRIBUTARY_").count(), 1 + roles, "{error}");
        }
    }

    #[test]
    fn all_of_it_names_where_people_come_back_to() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "s3cret\n").expect("written");
        let secret_file = format!("--sign-on-client-secret-file={}", file.path().display());
        let mut given = WHOLE.to_vec();
        given[3] = &secret_file;
        let settings = settings(&given).expect("settings").expect("set up");
        assert_eq!(settings.redirect, "https://tributary.example/sign-on/callback");
        assert_eq!(settings.issuer, "https://id.example");
        assert_eq!(settings.name, "id.example");
        assert_eq!(settings.scopes, ["email", "profile"]);
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn an_empty_secret_is_none() {
        let error = settings(&WHOLE).expect_err("an empty file");
        assert!(error.what().contains("does not hold one line"), "{error}");
    }

    #[test]
    fn an_issuer_is_a_url_and_nothing_more() {
        assert!(issuer("https://id.example/realms/staff").is_ok());
        for not_one in [
            "id.example",
            "https://id.example/?a=b",
            "ldap://id.example",
            "https://u:p@id.example",
        ] {
            assert!(issuer(not_one).is_err(), "{not_one}");
        }
    }
}
