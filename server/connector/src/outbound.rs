//! Where requests may go: the one filter for everything that this process asks of others.
//!
//! A base URL is typed by people, and the name in it is answered by someone else's name server. Neither may turn the
//! server into a way into the operator's own network. So only public addresses are asked, by https, unless the operator
//! names the host or the address.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use url::{Host, Url};

const LOCALHOST: &str = "localhost";

/// Fixed addresses at which clouds tell a machine its secrets, beyond those in the link-local range: Azure, Alibaba,
/// Oracle, and Amazon's two of IPv6.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];
const METADATA_LINK_LOCAL: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// What an address is by the registries of special-purpose addresses (IANA; RFC 6890 and its successors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    Public,
    Loopback,
    Private,
    CarrierGrade,
    LinkLocal,
    Metadata,
    /// IPv6 that carries an address of IPv4: mapped, compatible, translated, 6to4, Teredo.
    CarriesIpv4,
    Multicast,
    Unspecified,
    Documentation,
    Benchmark,
    Reserved,
}

impl AddressKind {
    fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Loopback => "an address of this machine (loopback)",
            Self::Private => "an address of a private network",
            Self::CarrierGrade => "an address of a provider's inner network (100.64.0.0/10)",
            Self::LinkLocal => "an address of the local link",
            Self::Metadata => "an address at which clouds give out their machines' credentials",
            Self::CarriesIpv4 => "an IPv6 address that carries one of IPv4",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "no address of a host",
            Self::Documentation => "an address for documentation",
            Self::Benchmark => "an address for benchmarks",
            Self::Reserved => "a reserved address",
        }
    }

    /// Kinds that a named host can have in good faith. The others are let through by their address only.
    fn suits_named_host(self) -> bool {
        matches!(
            self,
            Self::Public
                | Self::Loopback
                | Self::Private
                | Self::CarrierGrade
                | Self::Documentation
                | Self::Benchmark
        )
    }
}

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    kind_of(address) == AddressKind::Public
}

/// What kind of address this is.
pub fn kind_of(address: IpAddr) -> AddressKind {
    if METADATA.contains(&address) {
        return AddressKind::Metadata;
    }
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        _ if address == METADATA_LINK_LOCAL => AddressKind::Metadata,
        [0, ..] => AddressKind::Unspecified,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        [100, 64..=127, ..] => AddressKind::CarrierGrade,
        [169, 254, ..] => AddressKind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressKind::Documentation,
        [198, 18..=19, ..] => AddressKind::Benchmark,
        [224..=239, ..] => AddressKind::Multicast,
        // Protocol assignments, the relays of 6to4, and what is kept for the future with the broadcast address.
        [192, 0, 0, _] | [192, 88, 99, _] | [240..=255, ..] => AddressKind::Reserved,
        _ => AddressKind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressKind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        _ if carried(address).is_some() => AddressKind::CarriesIpv4,
        // Unique local, and site-local, which is out of use.
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressKind::Private,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Documentation,
        [0x2001, 2, 0, ..] => AddressKind::Benchmark,
        // Protocol assignments, such as those of hosts' identities.
        [0x2001, 0..=0x1ff, ..] => AddressKind::Reserved,
        // The one range that is given out to hosts.
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

/// The address of IPv4 that one of IPv6 stands for, whichever way it is carried.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        // Mapped and compatible (out of use); translated by a stateless translator; translated by NAT64, under its own
        // prefix and under an operator's; 6to4.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => of(high, low),
        // Teredo, which carries the client's address inverted.
        [0x2001, 0, _, _, _, _, high, low] => of(!high, !low),
        _ => None,
    }
}

/// The hosts and addresses that the operator lets pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    names: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither a host nor an address; give them without scheme, port and path, separated by commas"
)]
pub struct InvalidHost(String);

impl FromStr for AllowedHosts {
    type Err = InvalidHost;

    fn from_str(list: &str) -> Result<Self, InvalidHost> {
        let mut allowed = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            if let Ok(address) = entry.parse() {
                allowed.addresses.insert(address);
                continue;
            }
            match Host::parse(entry) {
                Ok(Host::Domain(name)) => allowed.names.insert(plain(&name)),
                Ok(Host::Ipv4(address)) => allowed.addresses.insert(address.into()),
                Ok(Host::Ipv6(address)) => allowed.addresses.insert(address.into()),
                Err(_) => return Err(InvalidHost(entry.to_owned())),
            };
        }
        Ok(allowed)
    }
}

impl AllowedHosts {
    /// What can be told from a URL alone: its scheme, and its address if it names no host.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host().ok_or(Refused::Scheme)?;
        match url.scheme() {
            "https" => {}
            "http" if self.names(&host) => {}
            "http" => {
                return Err(Refused::Plain {
                    host: host.to_string(),
                });
            }
            _ => return Err(Refused::Scheme),
        }
        match host {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.check_address(None, address.into()),
            Host::Ipv6(address) => self.check_address(None, address.into()),
        }
    }

    /// Of the addresses that a name has, those that may be asked.
    pub(crate) fn admit(&self, name: &str, found: &[IpAddr]) -> Result<Vec<IpAddr>, Refused> {
        let name = plain(name);
        let mut admitted = Vec::new();
        let mut refused = None;
        for address in found {
            match self.check_address(Some(&name), *address) {
                Ok(()) => admitted.push(*address),
                Err(refusal) => refused = Some(refusal),
            }
        }
        match refused {
            Some(refusal) if admitted.is_empty() => Err(refusal),
            _ => Ok(admitted),
        }
    }

    fn check_address(&self, name: Option<&str>, address: IpAddr) -> Result<(), Refused> {
        let kind = kind_of(address);
        let local = address.is_loopback() && self.names.contains(LOCALHOST);
        let named = name.is_some_and(|name| self.names.contains(name)) && suits_named_host(address);
        if kind == AddressKind::Public || self.addresses.contains(&address) || local || named {
            return Ok(());
        }
        Err(Refused::Address {
            name: name.map(str::to_owned),
            address,
            kind,
        })
    }

    /// Whether the host itself is let pass, by http too.
    fn names(&self, host: &Host<&str>) -> bool {
        let address = match host {
            Host::Domain(name) => {
                let name = plain(name);
                let local = name == LOCALHOST && self.addresses.iter().any(IpAddr::is_loopback);
                return local || self.names.contains(&name);
            }
            Host::Ipv4(address) => IpAddr::from(*address),
            Host::Ipv6(address) => IpAddr::from(*address),
        };
        self.addresses.contains(&address) || address.is_loopback() && self.names.contains(LOCALHOST)
    }
}

fn suits_named_host(address: IpAddr) -> bool {
    let inner = match address {
        IpAddr::V6(address) => carried(address).map(IpAddr::from),
        IpAddr::V4(_) => None,
    };
    kind_of(inner.unwrap_or(address)).suits_named_host()
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Why no request is sent there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("only https is asked, and http of hosts that the operator lets pass")]
    Scheme,
    #[error("{host} would be asked in clear (http), and the operator does not let that pass")]
    Plain { host: String },
    #[error(
        "{}{address} is {kind}, and the operator does not let that pass",
        .name.as_ref().map(|name| format!("{name} leads to ")).unwrap_or_default()
    )]
    Address {
        name: Option<String>,
        address: IpAddr,
        kind: AddressKind,
    },
}

impl Refused {
    /// What the operator would have to let pass.
    pub fn entry(&self) -> Option<String> {
        match self {
            Self::Scheme => None,
            Self::Plain { host } => Some(host.trim_matches(['[', ']']).to_owned()),
            Self::Address {
                name: Some(name),
                address,
                ..
            } if suits_named_host(*address) => Some(name.clone()),
            Self::Address { address, .. } => Some(address.to_string()),
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use AddressKind as Kind;

    use super::*;

    /// Each class with its edges, and the addresses just outside.
    const ADDRESSES: &[(&str, AddressKind)] = &[
        ("1.1.1.1", Kind::Public),
        ("9.255.255.255", Kind::Public),
        ("11.0.0.0", Kind::Public),
        ("100.63.255.255", Kind::Public),
        ("100.128.0.0", Kind::Public),
        ("126.255.255.255", Kind::Public),
        ("128.0.0.0", Kind::Public),
        ("169.253.255.255", Kind::Public),
        ("169.255.0.0", Kind::Public),
        ("172.15.255.255", Kind::Public),
        ("172.32.0.0", Kind::Public),
        ("192.0.1.0", Kind::Public),
        ("192.167.255.255", Kind::Public),
        ("192.169.0.0", Kind::Public),
        ("198.17.255.255", Kind::Public),
        ("198.20.0.0", Kind::Public),
        ("223.255.255.255", Kind::Public),
        ("2600::1", Kind::Public),
        ("2001:200::", Kind::Public),
        ("2a00:1450:4001::200e", Kind::Public),
        ("127.0.0.1", Kind::Loopback),
        ("127.255.255.255", Kind::Loopback),
        ("::1", Kind::Loopback),
        ("10.0.0.0", Kind::Private),
        ("10.255.255.255", Kind::Private),
        ("172.16.0.0", Kind::Private),
        ("172.31.255.255", Kind::Private),
        ("192.168.0.0", Kind::Private),
        ("192.168.255.255", Kind::Private),
        ("fc00::", Kind::Private),
        ("fdff:ffff::1", Kind::Private),
        ("fec0::1", Kind::Private),
        ("100.64.0.0", Kind::CarrierGrade),
        ("100.127.255.255", Kind::CarrierGrade),
        ("169.254.0.0", Kind::LinkLocal),
        ("169.254.255.255", Kind::LinkLocal),
        ("fe80::1", Kind::LinkLocal),
        ("febf::1", Kind::LinkLocal),
        ("169.254.169.254", Kind::Metadata),
        ("168.63.129.16", Kind::Metadata),
        ("100.100.100.200", Kind::Metadata),
        ("192.0.0.192", Kind::Metadata),
        ("fd00:ec2::254", Kind::Metadata),
        ("fd00:ec2::23", Kind::Metadata),
        ("::ffff:1.1.1.1", Kind::CarriesIpv4),
        ("::ffff:169.254.169.254", Kind::CarriesIpv4),
        ("::127.0.0.1", Kind::CarriesIpv4),
        ("::ffff:0:10.0.0.1", Kind::CarriesIpv4),
        ("64:ff9b::7f00:1", Kind::CarriesIpv4),
        ("64:ff9b:1::a00:1", Kind::CarriesIpv4),
        ("2002:7f00:1::", Kind::CarriesIpv4),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Kind::CarriesIpv4),
        ("224.0.0.0", Kind::Multicast),
        ("239.255.255.255", Kind::Multicast),
        ("ff02::1", Kind::Multicast),
        ("0.0.0.0", Kind::Unspecified),
        ("0.255.255.255", Kind::Unspecified),
        ("::", Kind::Unspecified),
        ("192.0.2.1", Kind::Documentation),
        ("198.51.100.1", Kind::Documentation),
        ("203.0.113.1", Kind::Documentation),
        ("2001:db8::1", Kind::Documentation),
        ("3fff::1", Kind::Documentation),
        ("198.18.0.0", Kind::Benchmark),
        ("198.19.255.255", Kind::Benchmark),
        ("2001:2::1", Kind::Benchmark),
        ("192.0.0.1", Kind::Reserved),
        ("192.88.99.1", Kind::Reserved),
        ("240.0.0.0", Kind::Reserved),
        ("255.255.255.255", Kind::Reserved),
        ("100::1", Kind::Reserved),
        ("2001:20::1", Kind::Reserved),
        ("5f00::1", Kind::Reserved),
        ("4000::1", Kind::Reserved),
        ("fe00::1", Kind::Reserved),
    ];

    fn allow(list: &str) -> AllowedHosts {
        list.parse().expect(list)
    }

    fn check(allowed: &AllowedHosts, url: &str) -> Result<(), Refused> {
        allowed.check(&url.parse().expect(url))
    }

    #[test]
    fn every_class_of_address_is_told_and_only_the_public_one_is_asked() {
        let nobody = AllowedHosts::default();
        for (text, kind) in ADDRESSES {
            let address: IpAddr = text.parse().expect(text);
            assert_eq!(kind_of(address), *kind, "{text}");
            assert_eq!(is_public(address), *kind == Kind::Public, "{text}");
            let url = match address {
                IpAddr::V4(address) => format!("https://{address}/"),
                IpAddr::V6(address) => format!("https://[{address}]/"),
            };
            assert_eq!(check(&nobody, &url).is_ok(), *kind == Kind::Public, "{url}");
            assert_eq!(
                nobody.admit("api.example", &[address]).is_ok(),
                *kind == Kind::Public,
                "{text}"
            );
            // Naming the address lets it pass, and nothing else.
            let named = allow(text);
            assert_eq!(check(&named, &url), Ok(()), "{url}");
            assert_eq!(check(&named, &url.replace("https", "http")), Ok(()), "{url}");
            assert!(check(&named, "https://10.9.8.7/").is_err(), "{text}");
        }
    }

    #[test]
    fn the_spellings_of_an_address_are_one() {
        let nobody = AllowedHosts::default();
        for url in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://①②⑦.0.0.1/",
            "https://[::ffff:7f00:1]/",
            "https://[0:0:0:0:0:0:0:1]:8443/x",
        ] {
            assert!(
                matches!(check(&nobody, url), Err(Refused::Address { .. })),
                "{url}"
            );
        }
    }

    #[test]
    fn http_is_for_hosts_that_the_operator_lets_pass() {
        let nobody = AllowedHosts::default();
        let plain = check(&nobody, "http://api.example/");
        assert_eq!(
            plain,
            Err(Refused::Plain {
                host: "api.example".into()
            })
        );
        assert_eq!(check(&nobody, "https://api.example/"), Ok(()));
        let allowed = allow(" API.example. ,");
        assert_eq!(check(&allowed, "http://api.example:8080/x"), Ok(()));
        assert!(
            check(&allowed, "http://other.api.example/").is_err(),
            "no part of a name"
        );
        assert_eq!(check(&allowed, "ftp://api.example/"), Err(Refused::Scheme));
    }

    #[test]
    fn this_machine_has_three_names() {
        for list in ["localhost", "127.0.0.1", "127.0.0.1,::1"] {
            let allowed = allow(list);
            assert_eq!(check(&allowed, "http://localhost:4010/"), Ok(()), "{list}");
            assert_eq!(check(&allowed, "http://127.0.0.1:4010/"), Ok(()), "{list}");
            let both: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
            assert!(allowed.admit("localhost", &both).is_ok(), "{list}");
        }
        assert!(check(&allow("127.0.0.1"), "http://127.0.0.2/").is_err());
        assert!(check(&allow("api.example"), "http://127.0.0.1/").is_err());
    }

    #[test]
    fn a_host_that_is_let_pass_may_be_private_but_is_no_way_to_the_metadata() {
        let allowed = allow("inside.example");
        let found = |text: &str| allowed.admit("inside.example", &[text.parse().expect(text)]);
        for private in ["10.1.2.3", "127.0.0.1", "100.64.1.1", "fd00::1", "64:ff9b::a00:1"] {
            assert!(found(private).is_ok(), "{private}");
        }
        for never in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "fe80::1",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            let refused = found(never).expect_err(never);
            assert_eq!(
                refused.entry().as_deref(),
                Some(never),
                "only its address would do"
            );
        }
        let elsewhere = allowed.admit("other.example", &["10.1.2.3".parse().unwrap()]);
        assert_eq!(
            elsewhere.expect_err("another host").entry().as_deref(),
            Some("other.example")
        );
    }

    #[test]
    fn of_mixed_addresses_only_those_that_pass_are_asked() {
        let mixed: Vec<IpAddr> = ["10.0.0.1", "1.1.1.1", "169.254.169.254"]
            .map(|text| text.parse().unwrap())
            .into();
        let admitted = AllowedHosts::default().admit("api.example", &mixed);
        assert_eq!(admitted, Ok(vec!["1.1.1.1".parse().unwrap()]));
        assert_eq!(AllowedHosts::default().admit("api.example", &[]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_host_is_refused_as_an_entry() {
        for list in ["http://localhost", "localhost:4010", "a b", "10.0.0.0/8", "a,/x"] {
            assert!(list.parse::<AllowedHosts>().is_err(), "{list}");
        }
        assert_eq!(allow(""), AllowedHosts::default());
        assert_eq!(allow("[::1]"), allow("::1"));
    }
}
