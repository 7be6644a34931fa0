//! Which addresses may be connected to: public ones, and hosts that the recipe names.

use std::{
    error::Error as StdError,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// An address that is not connected to.
#[derive(Debug)]
pub(crate) struct RefusedAddress {
    host: String,
    address: IpAddr,
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address } = self;
        write!(
            f,
            "`{host}` is at {address}, which is no public address\nhint: name the host in `ingest.download.allow_private_hosts` if it is yours"
        )
    }
}

impl StdError for RefusedAddress {}

/// Hosts that may be private, as `host` or `host:port`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed(Arc<[String]>);

impl Allowed {
    pub(crate) fn new(hosts: &[String]) -> Self {
        Self(hosts.iter().map(|host| host.to_lowercase()).collect())
    }

    fn host(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| {
            let name = allowed
                .rsplit_once(':')
                .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
            allowed == host || name.is_some_and(|(name, _)| name == host)
        })
    }

    fn host_and_port(&self, host: &str, port: u16) -> bool {
        let with_port = format!("{host}:{port}");
        self.0
            .iter()
            .any(|allowed| *allowed == host || *allowed == with_port)
    }

    /// Refuses an address that is written as a number, and a host that is allowed at another port alone. Names are
    /// checked when they are resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), RefusedAddress> {
        let host = url.host_str().unwrap_or_default().to_lowercase();
        let port = url.port_or_known_default().unwrap_or(0);
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if self.host_and_port(&host, port) {
            return Ok(());
        }
        match literal {
            Some(address) if !is_public(address) => Err(RefusedAddress { host, address }),
            None if self.host(&host) => Err(RefusedAddress {
                host: format!("{host}:{port}"),
                address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            }),
            _ => Ok(()),
        }
    }
}

impl Resolve for Allowed {
    /// The public addresses of a name, which are the ones that are connected to.
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_lowercase();
            let all: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if allowed.host(&host) {
                return Ok(Box::new(all.into_iter()) as Addrs);
            }
            let refused = all.iter().find(|address| !is_public(address.ip())).copied();
            let public: Vec<SocketAddr> = all.into_iter().filter(|a| is_public(a.ip())).collect();
            match refused {
                Some(address) if public.is_empty() => Err(Box::new(RefusedAddress {
                    host,
                    address: address.ip(),
                })
                    as Box<dyn StdError + Send + Sync>),
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address is one of the open internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    // The metadata service of one provider has an address that is public by its looks.
    let is_metadata = address == Ipv4Addr::new(168, 63, 129, 16);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || is_shared
        || is_protocol
        || is_benchmark
        || is_metadata)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // IPv4 in other clothes: compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0, high, low] => high != 0 && embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        [first, second, ..] => {
            let is_unique_local = first & 0xfe00 == 0xfc00;
            let is_link_local = first & 0xffc0 == 0xfe80;
            let is_site_local = first & 0xffc0 == 0xfec0;
            let is_documentation = first == 0x2001 && second == 0x0db8;
            !(address.is_multicast()
                || is_unique_local
                || is_link_local
                || is_site_local
                || is_documentation)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_dress() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn an_address_is_known_however_it_is_written() {
        let allowed = Allowed::new(&["127.0.0.1:8000".to_owned()]);
        let check = |text: &str| allowed.check(&Url::parse(text).unwrap());
        for text in [
            "http://127.0.0.1/",
            "http://127.0.0.1:8001/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        assert!(check("http://127.0.0.1:8000/").is_ok());
        assert!(check("https://example.org/").is_ok());
    }
}
