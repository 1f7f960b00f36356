//! Who sent a request: the address that the limits count by and that the audit trail names.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of the connection, as the listener saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
}

/// Proxies whose word on whom they ask for is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Arc<[IpAddr]>);

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        list.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let address = entry.parse().map(canonical);
                address.map_err(|_| format!("\"{entry}\" is no address such as 127.0.0.1 or fd00::1"))
            })
            .collect::<Result<Vec<IpAddr>, String>>()
            .map(|proxies| Self(proxies.into()))
    }
}

impl TrustedProxies {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Proxies append whom they were asked by, so the last one that is none of them is the client. What stands before it
    /// anybody may have written.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = canonical(peer);
        let told: Vec<IpAddr> = if self.0.contains(&peer) {
            let values = headers.get_all(FORWARDED_FOR).iter();
            let texts = values.filter_map(|value| value.to_str().ok());
            // What cannot be read hides all before it.
            let mut told: Vec<Option<IpAddr>> = texts.flat_map(|text| text.split(',')).map(read).collect();
            let readable_from = told.iter().rposition(Option::is_none).map_or(0, |at| at + 1);
            told.drain(..readable_from).for_each(drop);
            told.into_iter().flatten().collect()
        } else {
            Vec::new()
        };
        let address = told.iter().rev().find(|address| !self.0.contains(address));
        Client {
            address: address.or(told.first()).copied().unwrap_or(peer),
        }
    }
}

/// An address, perhaps with a port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse())
        .map(canonical)
        .ok()
}

/// An IPv4 address that came mapped is the IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Client {
    /// What a limit counts by: of IPv6 the network, since one customer gets a whole one.
    pub(crate) fn counted_as(self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => self.address,
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from(network))
            }
        }
    }
}

/// Names the client to all that come after.
pub(crate) async fn recognize(
    State(proxies): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    // There is none where no listener is in between.
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |Peer(address)| {
        address.ip()
    });
    let client = proxies.client(peer, request.headers());
    request.extensions_mut().insert(client);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).expect("a value"));
        }
        let proxies: TrustedProxies = proxies.parse().expect("a list");
        proxies.client(ip(peer), &headers)
    }

    #[test]
    fn nobody_chooses_their_own_address() {
        for forged in [&["127.0.0.1"][..], &["1.2.3.4, 127.0.0.1"], &["::1"]] {
            let seen = client("", "203.0.113.9", forged);
            assert_eq!(seen.address, ip("203.0.113.9"));
        }
        // Nor through a proxy, which appends whom it was asked by.
        let seen = client("10.0.0.1", "10.0.0.1", &["127.0.0.1, 203.0.113.9"]);
        assert_eq!(seen.address, ip("203.0.113.9"));
        let seen = client(
            "10.0.0.1",
            "10.0.0.1",
            &["127.0.0.1", "nonsense", "203.0.113.9:4711"],
        );
        assert_eq!(seen.address, ip("203.0.113.9"));
        let seen = client("10.0.0.1", "10.0.0.1", &["203.0.113.7, nonsense"]);
        assert_eq!(
            seen.address,
            ip("10.0.0.1"),
            "what cannot be read says nothing of what is before it"
        );
    }

    #[test]
    fn a_chain_of_proxies_leads_to_the_client() {
        let seen = client(
            "10.0.0.1,10.0.0.2",
            "10.0.0.2",
            &["198.51.100.4, 203.0.113.9, 10.0.0.1"],
        );
        assert_eq!(seen.address, ip("203.0.113.9"));
        let seen = client("127.0.0.1", "127.0.0.1", &["[2001:db8::9]:443"]);
        assert_eq!(seen.address, ip("2001:db8::9"));
    }

    #[test]
    fn an_address_that_came_mapped_is_the_address() {
        assert_eq!(client("", "::ffff:127.0.0.1", &[]).address, ip("127.0.0.1"));
    }

    #[test]
    fn one_network_of_ipv6_counts_as_one() {
        let counted = |address: &str| client("", address, &[]).counted_as();
        assert_eq!(counted("2001:db8:1:2:3::9"), counted("2001:db8:1:2:4::7"));
        assert_ne!(counted("2001:db8:1:2::9"), counted("2001:db8:1:3::9"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }

    #[test]
    fn a_list_names_addresses() {
        assert!("10.0.0.1, ::1,".parse::<TrustedProxies>().is_ok());
        assert!("proxy.example".parse::<TrustedProxies>().is_err());
    }
}
