#!/usr/bin/env python3
"""make_places.py FILE: a tiny file of places in MaxMind's format: 192.0.2.0/24 is Utrecht, NL; 203.0.113.0/24 is
somewhere in BR; 2001:db8::/32 is Zürich without a country. The format: https://maxmind.github.io/MaxMind-DB/"""
import ipaddress
import sys


def encoded(value):
    if isinstance(value, dict):
        return header(7, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    if isinstance(value, str):
        raw = value.encode()
        return header(2, len(raw)) + raw
    if isinstance(value, list):
        return header(11, len(value)) + b"".join(encoded(v) for v in value)
    kind, number = value  # ("u16", 5)
    raw = number.to_bytes(8, "big").lstrip(b"\0")
    return header({"u16": 5, "u32": 6, "u64": 9}[kind], len(raw)) + raw


def header(kind, size):
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])


def tree_of(networks):
    """Nodes as pairs; a leaf is ("data", offset), nothing is None."""
    nodes = [[None, None]]
    for network, offset in networks:
        network = ipaddress.ip_network(network)
        bits, length = int(network.network_address), network.prefixlen
        if network.version == 4:  # IPv4 lies in ::/96
            length += 96
        at = 0
        for i in range(length):
            bit = bits >> (127 - i) & 1
            if i == length - 1:
                nodes[at][bit] = ("data", offset)
            else:
                if nodes[at][bit] is None:
                    nodes[at][bit] = len(nodes)
                    nodes.append([None, None])
                at = nodes[at][bit]
    return nodes


def main():
    places = {
        "192.0.2.0/24": {"city": {"names": {"en": "Utrecht"}}, "country": {"iso_code": "NL"}},
        "203.0.113.0/24": {"country": {"iso_code": "BR"}},
        "2001:db8::/32": {"city": {"names": {"en": "Zürich"}}},
    }
    data, networks = b"", []
    for network, place in places.items():
        networks.append((network, len(data)))
        data += encoded(place)
    nodes = tree_of(networks)

    def record(child):
        if child is None:
            return len(nodes)
        return child if isinstance(child, int) else child[1] + len(nodes) + 16

    tree = b"".join(record(child).to_bytes(3, "big") for node in nodes for child in node)
    metadata = {
        "node_count": ("u32", len(nodes)), "record_size": ("u16", 24), "ip_version": ("u16", 6),
        "database_type": "Test-City", "languages": ["en"], "binary_format_major_version": ("u16", 2),
        "binary_format_minor_version": ("u16", 0), "build_epoch": ("u64", 1700000000),
        "description": {"en": "three places"},
    }
    with open(sys.argv[1], "wb") as out:
        out.write(tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))


main()
