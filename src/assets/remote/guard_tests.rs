//! One test per class of addresses: its first, its last, and what lies beside it.

use super::*;

fn class(address: &str) -> Option<&'static str> {
    not_public(address.parse().unwrap())
}

#[track_caller]
fn refused(addresses: &[&str], expected: &str) {
    for address in addresses {
        assert_eq!(class(address), Some(expected), "{address}");
    }
}

#[track_caller]
fn allowed(addresses: &[&str]) {
    for address in addresses {
        assert_eq!(class(address), None, "{address}");
    }
}

#[test]
fn public_addresses_are_allowed() {
    allowed(&["1.1.1.1", "93.184.215.14", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"]);
}

#[test]
fn this_network_is_refused() {
    refused(&["0.0.0.0", "0.255.255.255"], "an unspecified address");
    allowed(&["1.0.0.0"]);
}

#[test]
fn private_addresses_are_refused() {
    refused(&["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"], "a private address");
    refused(&["192.168.0.0", "192.168.255.255"], "a private address");
    allowed(&["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.169.0.0"]);
}

#[test]
fn carrier_grade_nat_is_refused() {
    refused(&["100.64.0.0", "100.127.255.255"], "a carrier-grade NAT address");
    allowed(&["100.63.255.255", "100.128.0.0"]);
}

#[test]
fn loopback_is_refused() {
    refused(&["127.0.0.0", "127.0.0.1", "127.255.255.255"], "a loopback address");
    allowed(&["126.255.255.255", "128.0.0.0"]);
}

#[test]
fn link_local_with_its_metadata_services_is_refused() {
    refused(&["169.254.0.0", "169.254.169.254", "169.254.255.255"], "a link-local address");
    allowed(&["169.253.255.255", "169.255.0.0"]);
}

#[test]
fn addresses_for_protocols_are_refused() {
    refused(&["192.0.0.0", "192.0.0.170", "192.0.0.255"], "an address for protocols");
    refused(&["2001:10::", "2001:1ff:ffff::1"], "an address for protocols");
    allowed(&["192.0.1.0", "2001:200::1"]);
}

#[test]
fn documentation_addresses_are_refused() {
    refused(&["192.0.2.0", "198.51.100.255", "203.0.113.7"], "a documentation address");
    refused(
        &["2001:db8::1", "2001:db8:ffff::", "3fff::", "3fff:fff::1"],
        "a documentation address",
    );
    allowed(&["192.0.3.0", "198.51.101.0", "203.0.112.255", "2001:db9::1", "3ffe::1"]);
}

#[test]
fn six_to_four_is_refused() {
    refused(&["192.88.99.0", "192.88.99.255"], "a 6to4 relay address");
    refused(&["2002::", "2002:7f00:1::1", "2002:ffff::"], "a 6to4 address");
    allowed(&["192.88.98.255", "2003::1"]);
}

#[test]
fn benchmarking_addresses_are_refused() {
    refused(&["198.18.0.0", "198.19.255.255", "2001:2::1"], "a benchmarking address");
    allowed(&["198.17.255.255", "198.20.0.0"]);
}

#[test]
fn multicast_is_refused() {
    refused(&["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1"], "a multicast address");
}

#[test]
fn reserved_addresses_are_refused() {
    refused(&["240.0.0.0", "255.255.255.254"], "a reserved address");
    refused(&["200::", "1fff::1", "4000::", "5f00::1", "fe00::1"], "a reserved address");
}

#[test]
fn broadcast_is_refused() {
    refused(&["255.255.255.255"], "the broadcast address");
}

#[test]
fn the_unspecified_and_the_loopback_address_of_ipv6_are_refused() {
    refused(&["::"], "an unspecified address");
    refused(&["::1"], "a loopback address");
}

#[test]
fn ipv4_inside_of_ipv6_is_refused() {
    refused(&["::ffff:127.0.0.1", "::ffff:1.1.1.1"], "an IPv4-mapped address");
    refused(&["::ffff:0:10.0.0.1"], "an IPv4-translated address");
    refused(&["::127.0.0.1", "::2", "::255.255.255.255"], "an IPv4-compatible address");
}

#[test]
fn nat64_is_refused() {
    refused(&["64:ff9b::7f00:1", "64:ff9b::ffff:ffff", "64:ff9b:1::1"], "a NAT64 address");
    refused(&["64:ff9b:1:ffff::a00:1"], "a NAT64 address");
}

#[test]
fn teredo_is_refused() {
    refused(&["2001::", "2001:0:ffff::1"], "a Teredo address");
}

#[test]
fn discard_only_is_refused() {
    refused(&["100::", "100::ffff:ffff:ffff:ffff"], "a discard-only address");
}

#[test]
fn unique_local_is_refused() {
    refused(&["fc00::", "fd12:3456::1", "fdff:ffff::"], "a unique-local address");
}

#[test]
fn link_local_and_site_local_of_ipv6_are_refused() {
    refused(&["fe80::1", "febf:ffff::1"], "a link-local address");
    refused(&["fec0::1", "feff:ffff::1"], "a site-local address");
}

#[test]
fn one_refused_address_refuses_the_host() {
    let addresses = ["1.1.1.1".parse().unwrap(), "10.0.0.7".parse().unwrap()];
    assert!(check("two.example", &addresses[..1], not_public).is_ok());
    let refused = check("two.example", &addresses, not_public).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "two.example is at 10.0.0.7, a private address, which builds do not speak to"
    );
}

#[test]
fn the_local_stack_is_on_loopback_only() {
    let addresses = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    assert!(check("localhost", &addresses, not_loopback).is_ok());
    assert!(check("localhost", &["1.1.1.1".parse().unwrap()], not_loopback).is_err());
}
