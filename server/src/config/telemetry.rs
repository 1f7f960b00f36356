use clap::{Args, ValueEnum};

#[derive(Clone, Debug, Args)]
pub(crate) struct Telemetry {
    /// What is logged, such as info or sync=debug,info [default: info while serving or working, else warn]
    #[arg(long, global = true, help_heading = super::COMMON, value_name = "FILTER", env = "TRIBUTARY_LOG")]
    pub(crate) log: Option<String>,
    /// How it is written; text for people, json for machines
    #[arg(
        long,
        global = true, help_heading = super::COMMON,
        value_name = "FORMAT",
        env = "TRIBUTARY_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
