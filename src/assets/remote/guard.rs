//! Which network addresses a build may speak to: those of the public internet. A name that anybody
//! may point anywhere must not lead into the network that the build runs in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// By the first four groups of 16 bits, which is as far as most prefixes go.
const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

const V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "an unspecified address"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 64, 0, 0, 10), "a carrier-grade NAT address"),
    (v4(127, 0, 0, 0, 8), "a loopback address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "an address for protocols"),
    (v4(192, 0, 2, 0, 24), "a documentation address"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay address"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "a benchmarking address"),
    (v4(198, 51, 100, 0, 24), "a documentation address"),
    (v4(203, 0, 113, 0, 24), "a documentation address"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(255, 255, 255, 255, 32), "the broadcast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
];

/// The first that fits names the class. What embeds an IPv4 address is refused as a whole: a gateway
/// may turn it into any of the above.
const V6: &[(Ipv6Net, &str)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "an unspecified address"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "a loopback address"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), "an IPv4-mapped address"),
    (
        Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
        "an IPv4-translated address",
    ),
    (v6(0, 0, 0, 0, 96), "an IPv4-compatible address"),
    (v6(0x64, 0xff9b, 0, 0, 96), "a NAT64 address"),
    (v6(0x64, 0xff9b, 1, 0, 48), "a NAT64 address"),
    (v6(0x100, 0, 0, 0, 64), "a discard-only address"),
    (v6(0x2001, 0, 0, 0, 32), "a Teredo address"),
    (v6(0x2001, 2, 0, 0, 48), "a benchmarking address"),
    (v6(0x2001, 0, 0, 0, 23), "an address for protocols"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "a documentation address"),
    (v6(0x2002, 0, 0, 0, 16), "a 6to4 address"),
    (v6(0x3fff, 0, 0, 0, 20), "a documentation address"),
    (v6(0xfc00, 0, 0, 0, 7), "a unique-local address"),
    (v6(0xfe80, 0, 0, 0, 10), "a link-local address"),
    (v6(0xfec0, 0, 0, 0, 10), "a site-local address"),
    (v6(0xff00, 0, 0, 0, 8), "a multicast address"),
];

/// All that is given out of IPv6 for the public internet.
const GLOBAL: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// A host that must not be spoken to, and why.
#[derive(Debug)]
pub struct Refused {
    pub host: String,
    pub address: IpAddr,
    pub class: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, class } = self;
        write!(f, "{host} is at {address}, {class}, which builds do not speak to")
    }
}

impl std::error::Error for Refused {}

/// Tells whether an address is refused: what class it is of, if so.
pub type Judge = fn(IpAddr) -> Option<&'static str>;

/// The class of an address that is not of the public internet.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => V4.iter().find(|(net, _)| net.contains(&v4)).map(|(_, class)| *class),
        IpAddr::V6(v6) => {
            let class = V6.iter().find(|(net, _)| net.contains(&v6)).map(|(_, class)| *class);
            class.or((!GLOBAL.contains(&v6)).then_some("a reserved address"))
        }
    }
}

/// For the storage of a local stack: the name `localhost` must lead nowhere else.
pub fn not_loopback(address: IpAddr) -> Option<&'static str> {
    (!address.is_loopback()).then_some("not a loopback address")
}

/// A host is as good as the worst of its addresses: none is picked from among refused ones.
pub fn check(host: &str, addresses: &[IpAddr], judge: Judge) -> Result<(), Refused> {
    let refuse = |&address: &IpAddr| {
        judge(address).map(|class| Refused { host: host.to_owned(), address, class })
    };
    addresses.iter().find_map(refuse).map_or(Ok(()), Err)
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
