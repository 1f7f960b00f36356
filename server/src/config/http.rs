use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use url::Url;

use crate::http::TrustedProxies;

/// Where `serve` listens unless it is told.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);

/// Where browsers find the console.
#[derive(Clone, Debug, Args)]
pub(crate) struct Console {
    /// Address of the console; beyond loopback only with an https origin, behind a proxy [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDRESS", env = "TRIBUTARY_LISTEN")]
    listen: Option<SocketAddr>,
    #[arg(
        help = "The origin that browsers see when a proxy stands in front, such as https://tributary.example",long, value_name = "URL", env = "TRIBUTARY_PUBLIC_ORIGIN", value_parser = origin)]
    pub(crate) public_origin: Option<Url>,
    /// As `cargo leptos` sets it for the process that it starts.
    #[arg(long, hide = true, env = "LEPTOS_SITE_ADDR")]
    leptos_site_addr: Option<SocketAddr>,
}

impl Console {
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen.or(self.leptos_site_addr).unwrap_or(DEFAULT_LISTEN)
    }

    /// As links to the console begin.
    pub(crate) fn origin(&self) -> String {
        self.origin_at(self.listen())
    }

    /// The same for a console that listens at this address.
    pub(crate) fn origin_at(&self, address: SocketAddr) -> String {
        match &self.public_origin {
            Some(origin) => origin.origin().ascii_serialization(),
            None => format!("http://{address}"),
        }
    }

    /// What people call the console.
    pub(crate) fn host(&self) -> String {
        let host = self.public_origin.as_ref().and_then(Url::host_str);
        host.unwrap_or("this machine").to_owned()
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Http {
    #[command(flatten)]
    pub(crate) console: Console,
    /// Addresses of proxies in front, comma-separated, whose X-Forwarded-For tells who asks [default: none is trusted]
    #[arg(
        long,
        value_name = "ADDRESSES",
        env = "TRIBUTARY_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) trusted_proxies: TrustedProxies,
    /// Folder of the console's files, if it is not beside the executable
    #[arg(long, value_name = "FOLDER", env = "TRIBUTARY_SITE_ROOT")]
    pub(crate) site_root: Option<PathBuf>,

    /// As `cargo leptos` sets it.
    #[arg(long, hide = true, env = "LEPTOS_SITE_ROOT")]
    pub(crate) leptos_site_root: Option<PathBuf>,
    /// As `cargo leptos` sets it.
    #[arg(long, hide = true, env = "LEPTOS_RELOAD_PORT", default_value_t = 3001)]
    pub(crate) leptos_reload_port: u32,
    /// As `cargo leptos watch` sets it; what it holds does not matter.
    #[arg(long, hide = true, env = "LEPTOS_WATCH")]
    leptos_watch: Option<String>,
}

impl Http {
    /// The port at which pages hear that they are to reload, where they are watched.
    pub(crate) fn reload_port(&self) -> Option<u32> {
        self.leptos_watch.as_ref().map(|_| self.leptos_reload_port)
    }
}

/// An origin: scheme, host and port, and nothing else.
fn origin(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then_some(url)
        .ok_or_else(|| "give scheme, host and port only, such as https://tributary.example".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        assert!(origin("https://tributary.example").is_ok());
        assert!(origin("http://tributary.example:8080/").is_ok());
        for not_one in [
            "tributary.example",
            "https://x.example/console",
            "https://u:p@x.example",
            "ftp://x.example",
        ] {
            assert!(origin(not_one).is_err(), "{not_one}");
        }
    }
}
