"""The addresses to which requests may be sent that people name: the public Internet, and networks that the operator
allows. Hosts that our own code names are trusted, and need not be allowed.

Names are not judged, only the addresses to which they resolve at the moment of the connection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: All public IPv6 addresses. This excludes forms of IPv4 addresses (mapped, compatible, NAT64) and the deprecated
#: site-local addresses, which Python's `is_private` does not know.
#: https://www.iana.org/assignments/ipv6-unicast-address-assignments
PUBLIC_IPV6: Final = ipaddress.ip_network("2000::/3")
#: Special networks that `is_global` does not exclude in every supported Python: IETF protocols, 6to4 and its relays,
#: ORCHIDv2, documentation. https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-special-registry
SPECIAL: Final = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "2001::/23", "2001:20::/28", "2002::/16", "3fff::/20"),
    )
)
#: A public address that is not public in Azure: there the host of a virtual machine answers.
#: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
METADATA: Final = (ipaddress.ip_network("168.63.129.16/32"),)


def is_allowed(address: Address) -> bool:
    """Whether requests may be sent there. `CALLBACK_ALLOWED_NETWORKS` overrides all other rules."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # the address to which the kernel connects
    if _is_in(address, allowed_networks(tuple(settings.CALLBACK_ALLOWED_NETWORKS))):
        return True
    if not address.is_global or address.is_multicast or _is_in(address, (*SPECIAL, *METADATA)):
        return False
    return address.version == 4 or address in PUBLIC_IPV6


@cache
def allowed_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The texts as networks. Raises ValueError for an invalid network, or one with host bits set."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
