//! The command line. Faces that scripts rely on: names, options, environment, exit codes.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand, builder::FalseyValueParser};
use domain::{BaseUrl, MappedColumn, Object, Role, RunId, Scope, TenantId, TokenId, unification::WhyNot};
use simulator::{FaultProfile, TenantSpec};
use store::{Actor, Deed, normal_email};

use crate::{
    accounts::{token_lives, token_name},
    config::{
        COMMON, Console, Database, Http, KeyFile, NewPassword, NewSecret, Outbound, Sync, Telemetry,
        TicketWebhook, Worker,
    },
    export::Format,
};

/// Brings every customer community's members, posts, ideas and views into a customer-success database, each night.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) key_file: KeyFile,
    #[command(flatten)]
    pub(crate) outbound: Outbound,
    #[command(flatten)]
    pub(crate) webhook: TicketWebhook,
    #[command(flatten)]
    pub(crate) telemetry: Telemetry,
    /// Print one JSON document on stdout; messages stay on stderr
    #[arg(long, global = true, help_heading = COMMON, env = "TRIBUTARY_JSON", value_parser = switch())]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the console, and run syncs
    Serve(Serve),
    #[command(flatten)]
    WithData(WithData),
    /// Bring the database to this version, or move an installation to PostgreSQL
    Migrate(Migrate),
    /// Put a backup where the embedded database is to be; nothing is replaced
    Restore { file: PathBuf },
    /// Check the installation, and say what to do
    Doctor(Doctor),
    /// Behave as community tenants do, for trying and testing
    Simulate(Simulate),
}

/// Commands that begin by opening the database.
#[derive(Debug, Subcommand)]
pub(crate) enum WithData {
    /// Run syncs, without a console
    Worker(Worker),
    /// Add connections and look after them
    #[command(subcommand)]
    Connection(Connection),
    /// Say who may log in to the console
    #[command(subcommand)]
    Account(Account),
    /// Let programs in that ask for /api/v1 and /metrics
    #[command(subcommand)]
    Token(Token),
    /// See who did what to what, and check that nothing of it is missing
    #[command(subcommand)]
    Audit(Audit),
    /// Run one sync in the foreground: exit code 0 completed, 1 failed, 2 usage
    Sync(SyncTenant),
    /// List runs, newest first
    Runs {
        /// Only those of this tenant
        tenant: Option<TenantId>,
    },
    /// Look at one run, or stop it
    #[command(subcommand)]
    Run(Run),
    /// Write a whole copy of the embedded database, while everything goes on; without the key file
    Backup { file: PathBuf },
    /// Try records again that were set aside, without the API; a worker does so by itself after an upgrade
    Replay(Replay),
    /// Write an object whole, deleted rows too
    Export(Export),
    /// Take a person out of every tenant, and keep later syncs from bringing them back
    Erase(Erase),
    /// Look after the keys that seal secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// Bring in what members did, where the tenant's API does not say
    #[command(subcommand)]
    Activity(Activity),
    /// Look at the rules that tie members to companies, try others, apply them, take them back
    #[command(subcommand)]
    Rules(Rules),
    /// See why a member is tied to a company or not, and say who belongs where
    #[command(subcommand)]
    Member(Member),
    /// List members without a company, by cause
    Failed(FailedMembers),
    /// Make one document of many members without a company
    #[command(subcommand)]
    Ticket(TicketCommand),
    /// Bring in companies of the customer-success database
    #[command(subcommand)]
    Company(Company),
    /// Bring in persons of the customer-success database
    #[command(subcommand)]
    Person(Person),
}

/// The words of the command line. Without any it is `serve`: that is how `cargo leptos watch` starts the binary.
pub(crate) fn words(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<_> = given.collect();
    if words.len() == 1 {
        words.push("serve".into());
    }
    words
}

impl Command {
    /// Whether the process stays until it is stopped.
    pub(crate) fn stays(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::WithData(WithData::Worker(_)))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) http: Http,
    #[command(flatten)]
    pub(crate) worker: Worker,
    /// Serve the console only; other processes run the syncs
    #[arg(long, env = "TRIBUTARY_NO_WORKER", value_parser = switch())]
    pub(crate) no_worker: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Move everything from this embedded database, which is only read
    #[arg(long, requires = "to", value_name = "URL", env = "TRIBUTARY_MIGRATE_FROM")]
    pub(crate) from: Option<String>,
    /// To this empty database on PostgreSQL; run again, it goes on where it stopped
    #[arg(
        long,
        requires = "from",
        value_name = "URL",
        env = "TRIBUTARY_MIGRATE_TO",
        hide_env_values = true
    )]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) http: Http,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Connection {
    /// Connect a tenant
    Add(AddConnection),
    /// List connections, without their secrets
    List,
    /// Ask the tenant's API whether the credentials work; without TENANT, of all connections
    Test { tenant: Option<TenantId> },
    /// Let syncs run again
    Activate { tenant: TenantId },
    /// Stop syncs; stored rows stay
    Deactivate { tenant: TenantId },
    /// Replace the client secret, and the client id or the base URL if they changed too
    Rotate(RotateConnection),
    /// Choose the profile fields that fill members' own columns, by name; without options, show them
    Map(MapConnection),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Let someone log in; without a password file, prints a link with which they choose their password, once
    Add(AddAccount),
    /// List accounts
    List,
    /// Keep someone out, and end their sessions
    Disable {
        #[arg(value_parser = email)]
        email: String,
    },
    /// Let someone in again who was kept out
    Enable {
        #[arg(value_parser = email)]
        email: String,
    },
    /// Make a new link, for someone whose password is lost
    Reset {
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        console: Console,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddAccount {
    /// The address that they log in with
    #[arg(long, value_name = "ADDRESS", env = "TRIBUTARY_ACCOUNT_EMAIL", value_parser = email)]
    pub(crate) email: String,
    /// admin watches connections and changes them; csm reads what customers do
    #[arg(long, value_name = "ROLE", env = "TRIBUTARY_ACCOUNT_ROLE", value_parser = crate::commands::role)]
    pub(crate) role: Role,
    #[command(flatten)]
    pub(crate) password: NewPassword,
    #[command(flatten)]
    pub(crate) console: Console,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is printed this once
    Add(AddToken),
    /// List tokens, with what became of them and when they were last used
    List,
    /// Let a program in no more, from now on
    Revoke { id: TokenId },
}

#[derive(Debug, Args)]
pub(crate) struct AddToken {
    /// Whose it is or what for, such as nightly-export
    #[arg(long, value_name = "NAME", env = "TRIBUTARY_TOKEN_NAME", value_parser = token_name)]
    pub(crate) name: String,
    /// read: what is stored; sync: start and stop syncs. Both: read,sync
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        env = "TRIBUTARY_TOKEN_SCOPE",
        value_delimiter = ',',
        required = true,
        value_parser = scope
    )]
    pub(crate) scopes: Vec<Scope>,
    /// When it ends, from now: days or hours, a year (366d) at most
    #[arg(
        long,
        value_name = "TIME",
        env = "TRIBUTARY_TOKEN_EXPIRES_IN",
        default_value = "90d",
        value_parser = token_lives
    )]
    pub(crate) expires_in: TimeDelta,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List entries, the latest ones or those after a number
    List(ListAudit),
    /// Check that no entry is missing, changed or put in between: exit code 1 if one is, by its number
    Verify {
        /// An entry that an earlier check named last: shows whether entries were taken off the end
        #[arg(long, value_name = "NUMBER:HASH", env = "TRIBUTARY_AUDIT_KNOWN", value_parser = known_entry)]
        known: Option<KnownEntry>,
    },
    /// Write entries with their hashes, all unless you say which
    Export(ExportAudit),
}

#[derive(Debug, Args)]
pub(crate) struct ListAudit {
    /// Those after this entry [default: the latest]
    #[arg(long, value_name = "NUMBER", env = "TRIBUTARY_AUDIT_AFTER")]
    pub(crate) after: Option<u64>,
    /// So many at most
    #[arg(
        long,
        value_name = "N",
        env = "TRIBUTARY_AUDIT_LIMIT",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) narrowed: NarrowedAudit,
}

/// Which entries are meant.
#[derive(Debug, Args)]
pub(crate) struct NarrowedAudit {
    /// Only those of this deed, as the trail names it
    #[arg(long, value_name = "DEED", env = "TRIBUTARY_AUDIT_DEED", value_parser = deed)]
    pub(crate) deed: Option<Deed>,
    /// Only what they did: an account's address, account:ID, token:ID, operator or nobody
    #[arg(long, value_name = "WHO", env = "TRIBUTARY_AUDIT_WHO", value_parser = who)]
    pub(crate) who: Option<Who>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportAudit {
    #[command(flatten)]
    pub(crate) narrowed: NarrowedAudit,
    /// How it is written
    #[arg(long, env = "TRIBUTARY_AUDIT_FORMAT", default_value = "csv")]
    pub(crate) format: AuditFormat,
    /// A file that is there whole or not at all [default: stdout]
    #[arg(long, value_name = "FILE", env = "TRIBUTARY_AUDIT_OUTPUT")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AuditFormat {
    /// RFC 4180, with a header; what a spreadsheet would take for a formula begins with '
    Csv,
    /// One JSON object a line
    Ndjson,
}

/// Whoever an operator names: by what the trail has, or by the address of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Actor(Actor),
    Address(String),
}

/// An entry of the trail as it was once found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownEntry {
    pub(crate) number: u64,
    pub(crate) hash: String,
}

/// Names may be repeated, or separated by `;`. They go before the default ones, and take the place of those chosen before.
#[derive(Debug, Args)]
pub(crate) struct MapConnection {
    pub(crate) tenant: TenantId,
    /// Profile field with the phone number
    #[arg(long, value_name = "NAME", env = "TRIBUTARY_MAP_PHONE", value_delimiter = ';')]
    phone: Vec<String>,
    /// Profile field with the first name
    #[arg(
        long,
        value_name = "NAME",
        env = "TRIBUTARY_MAP_FIRST_NAME",
        value_delimiter = ';'
    )]
    first_name: Vec<String>,
    /// Profile field with the last name
    #[arg(
        long,
        value_name = "NAME",
        env = "TRIBUTARY_MAP_LAST_NAME",
        value_delimiter = ';'
    )]
    last_name: Vec<String>,
    /// Profile field with the company that the member names
    #[arg(
        long,
        value_name = "NAME",
        env = "TRIBUTARY_MAP_COMPANY",
        value_delimiter = ';'
    )]
    company: Vec<String>,
    /// Profile field with the department
    #[arg(
        long,
        value_name = "NAME",
        env = "TRIBUTARY_MAP_DEPARTMENT",
        value_delimiter = ';'
    )]
    department: Vec<String>,
    /// Profile field with the job title
    #[arg(long, value_name = "NAME", env = "TRIBUTARY_MAP_TITLE", value_delimiter = ';')]
    title: Vec<String>,
    /// Forget what was chosen before
    #[arg(long, env = "TRIBUTARY_MAP_RESET", value_parser = switch())]
    pub(crate) reset: bool,
}

impl MapConnection {
    /// The names that are given for each column.
    pub(crate) fn given(&self) -> [(MappedColumn, &[String]); MappedColumn::ALL.len()] {
        MappedColumn::ALL.map(|column| {
            let names = match column {
                MappedColumn::Phone => &self.phone,
                MappedColumn::FirstName => &self.first_name,
                MappedColumn::LastName => &self.last_name,
                MappedColumn::Company => &self.company,
                MappedColumn::Department => &self.department,
                MappedColumn::Title => &self.title,
            };
            (column, names.as_slice())
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Only those of this tenant
    pub(crate) tenant: Option<TenantId>,
    /// Only those that this run set aside
    #[arg(long, value_name = "ID", env = "TRIBUTARY_REPLAY_RUN")]
    pub(crate) run: Option<RunId>,
}

#[derive(Debug, Args)]
pub(crate) struct RotateConnection {
    pub(crate) tenant: TenantId,
    #[command(flatten)]
    pub(crate) secret: NewSecret,
    /// The new client id, if it changed
    #[arg(long, value_name = "ID", env = "TRIBUTARY_NEW_CLIENT_ID")]
    pub(crate) client_id: Option<String>,
    /// The new root of the tenant's API, if it changed
    #[arg(long, value_name = "URL", env = "TRIBUTARY_NEW_BASE_URL")]
    pub(crate) base_url: Option<BaseUrl>,
}

#[derive(Debug, Args)]
pub(crate) struct AddConnection {
    #[command(flatten)]
    pub(crate) tenant: TenantChoice,
    #[arg(
        long,
        value_name = "URL",
        env = "TRIBUTARY_BASE_URL",
        help = "Root of the tenant's API, such as https://api2-eu-west-1.insided.com"
    )]
    pub(crate) base_url: BaseUrl,
    /// As Control shows it with the API credentials
    #[arg(long, value_name = "ID", env = "TRIBUTARY_CLIENT_ID", value_parser = client_id)]
    pub(crate) client_id: String,
    #[command(flatten)]
    pub(crate) secret: NewSecret,
    /// What the console calls the community [default: the tenant id]
    #[arg(long, env = "TRIBUTARY_NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TenantChoice {
    /// The tenant's id, such as customer-en
    #[arg(long, value_name = "ID", env = "TRIBUTARY_TENANT_ID")]
    tenant_id: Option<TenantId>,
    /// The tenant's Control URL, whose host begins with the tenant id
    #[arg(long, value_name = "URL", env = "TRIBUTARY_CONTROL_URL", value_parser = TenantId::from_control_url)]
    control_url: Option<TenantId>,
}

impl TenantChoice {
    /// Either of the two; clap sees to it that there is one.
    pub(crate) fn tenant(&self) -> Option<TenantId> {
        self.tenant_id.clone().or_else(|| self.control_url.clone())
    }
}

#[derive(Debug, Args)]
pub(crate) struct SyncTenant {
    pub(crate) tenant: TenantId,
    /// Read everything, not only what has moved since the last run
    #[arg(long, env = "TRIBUTARY_FULL", value_parser = switch())]
    pub(crate) full: bool,
    /// With --full: read the replies of every topic, too, not only of those that moved
    #[arg(long, env = "TRIBUTARY_REPLIES", value_parser = switch(), requires = "full")]
    pub(crate) replies: bool,
    #[command(flatten)]
    pub(crate) sync: Sync,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// Show a run with its ledger
    Show { id: RunId },
    /// Stop a run, or take it from the queue; what is stored is kept
    Cancel { id: RunId },
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The person's address, in whatever case
    #[arg(long, value_name = "ADDRESS", env = "TRIBUTARY_ERASE_EMAIL", hide_env_values = true, value_parser = email)]
    pub(crate) email: String,
    /// Say what is stored with the address, and change nothing
    #[arg(long, env = "TRIBUTARY_ERASE_DRY_RUN", value_parser = switch())]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// Make a new key, and seal everything with it; if this is cut short, the next one goes on with it
    Rotate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Activity {
    /// Import a file: good lines are kept, bad ones told by number (exit code 1)
    Import {
        tenant: TenantId,
        /// CSV with the header `event_id,type,occurred_at,user_id,content_public_id`, or JSON lines with these fields
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Show the rules that decide
    Show,
    /// Say what other rules would change, over all stored members; nothing is written
    Preview(RulesFile),
    /// Let other rules decide from now on, and match all members anew
    Apply(ApplyRules),
    /// List which version decided since when, newest first
    History,
    /// Let an earlier version decide again; every match is then as it was under it
    Undo {
        #[arg(value_name = "VERSION")]
        to: i64,
        /// For the history
        #[arg(long, value_name = "TEXT", env = "TRIBUTARY_RULES_WHY", value_parser = reason)]
        why: Option<String>,
    },
    /// Let the rules decide that a new installation has
    Restore {
        /// For the history
        #[arg(long, value_name = "TEXT", env = "TRIBUTARY_RULES_WHY", value_parser = reason)]
        why: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RulesFile {
    /// JSON as `rules show --json` prints it
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyRules {
    /// JSON as `rules show --json` prints it
    pub(crate) file: PathBuf,
    /// The version that these rules were made from, if the file does not say; another one that decides by now is not
    /// overwritten
    #[arg(long, value_name = "VERSION", env = "TRIBUTARY_RULES_BASE")]
    pub(crate) base: Option<i64>,
    /// For the history
    #[arg(long, value_name = "TEXT", env = "TRIBUTARY_RULES_WHY", value_parser = reason)]
    pub(crate) why: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Member {
    /// Say what each rule did with a member, with the values compared, and what the member was tied to before
    Why(MemberName),
    /// Tie a member to a company by hand; no rule overwrites it
    Link {
        #[command(flatten)]
        member: MemberName,
        /// The company's external id
        #[arg(long, value_name = "ID", env = "TRIBUTARY_LINK_COMPANY")]
        company: String,
        /// The person's external id
        #[arg(long, value_name = "ID", env = "TRIBUTARY_LINK_PERSON")]
        person: Option<String>,
        #[command(flatten)]
        reason: Reason,
    },
    /// Say that a member belongs to no company; no rule overwrites it
    Unlink {
        #[command(flatten)]
        member: MemberName,
        #[command(flatten)]
        reason: Reason,
    },
    /// Let the rules decide again of a member of whom something was said by hand: linked, unlinked, or counted again
    Rules(MemberName),
    /// Say that a member has left their company, and counts no more
    Left {
        #[command(flatten)]
        member: MemberName,
        #[command(flatten)]
        reason: Reason,
    },
    /// Let a member count again, whatever the rules say
    Back(MemberName),
    /// Import CSV with the header `email,bounced_at`: addresses that mail came back from, for the rule that such members have
    /// left; without a time mail is delivered again. Good lines are kept, bad ones told by number (exit code 1)
    Bounces(ImportParties),
}

#[derive(Debug, Args)]
pub(crate) struct FailedMembers {
    /// Only members of this tenant
    #[arg(long, value_name = "ID", env = "TRIBUTARY_FAILED_TENANT")]
    pub(crate) tenant: Option<TenantId>,
    #[arg(
        help = "Only those of this cause: ambiguous, unlinked_by_hand, domain_unknown, name_not_found, free_mail, \
                no_email or no_candidate",
        long,
        env = "TRIBUTARY_FAILED_CAUSE",
        value_parser = cause
    )]
    pub(crate) cause: Option<WhyNot>,
    /// Only those whose address has this domain
    #[arg(long, env = "TRIBUTARY_FAILED_DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Only those for whom this rule ended the list
    #[arg(long, value_name = "ID", env = "TRIBUTARY_FAILED_RULE")]
    pub(crate) rule: Option<String>,
    /// Only those who have stood so for at most so many days
    #[arg(long, value_name = "DAYS", env = "TRIBUTARY_FAILED_DAYS")]
    pub(crate) days: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TicketCommand {
    /// Make one ticket of all members without a company that are chosen
    Create(FailedMembers),
    /// List tickets, newest first
    List,
    /// Write a ticket's document
    Show {
        /// As in T-7, or the number alone
        #[arg(value_name = "TICKET", value_parser = ticket_number)]
        number: i64,
        /// How it is written
        #[arg(long, env = "TRIBUTARY_TICKET_FORMAT", default_value = "markdown")]
        format: TicketFormat,
    },
    /// Post a ticket to the webhook, or post it again
    Post {
        /// As in T-7, or the number alone
        #[arg(value_name = "TICKET", value_parser = ticket_number)]
        number: i64,
        #[command(flatten)]
        console: Console,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TicketFormat {
    Markdown,
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct MemberName {
    pub(crate) tenant: TenantId,
    /// The member's id in the community
    pub(crate) user_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Reason {
    /// Why, for whoever asks later
    #[arg(long, value_name = "TEXT", env = "TRIBUTARY_REASON", value_parser = reason)]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Company {
    /// Import CSV with the header `external_id,name,domains,parent_external_id`: good lines are kept, bad ones told by number
    /// (exit code 1), and members are matched anew
    Import(ImportParties),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Import CSV with the header `external_id,email,first_name,last_name,phone,company_external_id,active`: good lines are
    /// kept, bad ones told by number (exit code 1), and members are matched anew
    Import(ImportParties),
}

#[derive(Debug, Args)]
pub(crate) struct ImportParties {
    pub(crate) file: PathBuf,
    /// What the file calls a column, if it has another name for it; may be repeated
    #[arg(
        long,
        value_name = "COLUMN=HEADER",
        env = "TRIBUTARY_IMPORT_MAP",
        value_delimiter = ';'
    )]
    pub(crate) map: Vec<String>,
    /// Say what would become of the lines, and write nothing
    #[arg(long, env = "TRIBUTARY_IMPORT_DRY_RUN", value_parser = switch())]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// users, content, activity, trends, categories, idea-statuses or invalid-records
    #[arg(value_parser = object)]
    pub(crate) object: Object,
    /// Only rows of this tenant
    #[arg(long, value_name = "ID", env = "TRIBUTARY_EXPORT_TENANT")]
    pub(crate) tenant: Option<TenantId>,
    /// Only invalid records of this run
    #[arg(long, value_name = "ID", env = "TRIBUTARY_EXPORT_RUN")]
    pub(crate) run: Option<RunId>,
    /// How it is written [default: csv, or one JSON document with --json]
    #[arg(long, env = "TRIBUTARY_EXPORT_FORMAT")]
    pub(crate) format: Option<Format>,
    /// A file that is there whole or not at all [default: stdout]
    #[arg(long, value_name = "FILE", env = "TRIBUTARY_EXPORT_OUTPUT")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Address of the tenants' API; loopback only
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "TRIBUTARY_SIMULATE_LISTEN",
        default_value = "127.0.0.1:4010"
    )]
    pub(crate) listen: SocketAddr,
    /// A tenant and its size: NAME[:users=N,topics=N,views=N,broken=N]; may be repeated
    #[arg(
        long = "tenant",
        value_name = "SPEC",
        env = "TRIBUTARY_SIMULATE_TENANT",
        value_delimiter = ';',
        required = true
    )]
    pub(crate) tenants: Vec<TenantSpec>,
    /// The same seed gives the same tenants
    #[arg(long, env = "TRIBUTARY_SIMULATE_SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Faults that are switched on from the start, such as truncated or throttle:every=5
    #[arg(long, value_name = "PROFILE", env = "TRIBUTARY_SIMULATE_FAULTS")]
    pub(crate) faults: Option<FaultProfile>,
}

/// In the environment, `0`, `false`, `no`, `off` and nothing turn a switch off; anything else turns it on.
fn switch() -> FalseyValueParser {
    FalseyValueParser::new()
}

fn object(name: &str) -> Result<Object, String> {
    Object::parse(name).ok_or_else(|| {
        let names = Object::ALL.map(Object::as_str);
        format!("objects are {}", names.join(", "))
    })
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::parse(name).ok_or_else(|| {
        let names = Scope::ALL.map(Scope::as_str);
        format!("scopes are {}", names.join(" and "))
    })
}

fn known_entry(text: &str) -> Result<KnownEntry, String> {
    let known = text.split_once(':').and_then(|(number, hash)| {
        Some(KnownEntry {
            number: number.parse().ok()?,
            hash: hash.to_owned(),
        })
    });
    known.ok_or_else(|| "give an entry as an earlier check named it, such as 7:5d41…".to_owned())
}

fn deed(name: &str) -> Result<Deed, String> {
    Deed::parse(name).ok_or_else(|| format!("deeds are {}", Deed::ALL.map(Deed::as_str).join(", ")))
}

fn who(text: &str) -> Result<Who, String> {
    let actor = Actor::parse(text).map(Who::Actor);
    let address = || normal_email(text).map(Who::Address);
    actor
        .or_else(address)
        .ok_or_else(|| "give an account's address, account:ID, token:ID, operator or nobody".to_owned())
}

fn email(text: &str) -> Result<String, String> {
    normal_email(text).ok_or_else(|| "that is no e-mail address".to_owned())
}

/// As long as a sentence or two.
const REASON_MAX_CHARS: usize = 500;

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REASON_MAX_CHARS || text.contains(char::is_control) {
        return Err(format!("give one line of up to {REASON_MAX_CHARS} characters"));
    }
    Ok(text.to_owned())
}

fn cause(name: &str) -> Result<WhyNot, String> {
    WhyNot::parse(name).ok_or_else(|| {
        let names = WhyNot::ALL.map(WhyNot::as_str);
        format!("causes are {}", names.join(", "))
    })
}

fn ticket_number(text: &str) -> Result<i64, String> {
    domain::unification::ticket_number(text).ok_or_else(|| "a ticket is one such as T-7".to_owned())
}

fn client_id(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err("a client id is one line of text".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every option, of every command, can be set in the environment.
    #[test]
    fn every_option_has_an_environment_variable() {
        fn walk(command: &clap::Command) {
            for option in command.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let name = option.get_id().as_str();
                let known = ["help", "version"].contains(&name);
                assert!(
                    known || option.get_env().is_some(),
                    "{} --{name}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn without_a_command_it_serves() {
        let parsed = |given: &[&str]| Cli::try_parse_from(words(given.iter().map(OsString::from)));
        assert!(matches!(
            parsed(&["tributary"]),
            Ok(Cli {
                command: Command::Serve(_),
                ..
            })
        ));
        assert!(
            parsed(&["tributary", "--json"]).is_err(),
            "an option alone says nothing about what is wanted"
        );
    }

    #[test]
    fn a_secret_is_no_argument() {
        let words = [
            "tributary",
            "connection",
            "rotate",
            "customer-en",
            "--client-secret",
            "x",
        ];
        assert!(Cli::try_parse_from(words).is_err());
    }

    #[test]
    fn a_tenant_is_named_one_way_or_the_other() {
        let add = |more: &[&str]| {
            let words = [
                "tributary",
                "connection",
                "add",
                "--base-url",
                "http://127.0.0.1:1",
                "--client-id",
                "c",
            ];
            Cli::try_parse_from(words.iter().chain(more))
        };
        assert!(add(&["--tenant-id", "customer-en"]).is_ok());
        assert!(add(&["--control-url", "https://customer-en.control.example/"]).is_ok());
        assert!(add(&[]).is_err());
        assert!(add(&["--tenant-id", "a", "--control-url", "https://a.control.example/"]).is_err());
        assert!(add(&["--tenant-id", "customer en"]).is_err());
    }
}
