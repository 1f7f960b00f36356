use clap::Args;
use connector::AllowedHosts;

/// Whom this process may ask.
#[derive(Clone, Debug, Args)]
pub(crate) struct Outbound {
    /// Hosts or addresses that may be asked by http and on private networks, comma-separated [default: none: only
    /// https, and only public addresses]
    #[arg(
        long,
        global = true,
        help_heading = super::COMMON,
        value_name = "HOSTS",
        env = "TRIBUTARY_ALLOW_HOSTS",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) allow_hosts: AllowedHosts,
}
