"""Which network addresses a flow may reach, and how a host name becomes one of them."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitflow_runner.errors import StepError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[..., Sequence[tuple[object, ...]]]
"""The shape of `socket.getaddrinfo`, called as `resolver(host, port, type=SOCK_STREAM)`."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_NUMBER_LABEL = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_PATTERN = re.compile(r"(https?|\*)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9*._-]+)(?::(\d{1,5}|\*))?/?")
# Own tables, since what the standard library calls global differs between its versions.
_INSIDE_V4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's metadata service on a public address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INSIDE_V6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes: the scheme, the lower-case host and the port in use."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowPattern:
    """`scheme://host:port`; the scheme and the port may be `*`, the host may begin with `*.`."""

    scheme: str
    host: str
    port: int | None  # None matches every port

    @classmethod
    def parse(cls, text: str) -> AllowPattern:
        """Read one pattern; a missing port is the scheme's own. `UsageError` (`http.allow`)."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None or "*" in match[2].removeprefix("*."):
            raise UsageError(
                "http.allow",
                f"{text[:80]!r} is not an allowed origin",
                hint="write scheme://host:port, such as http://127.0.0.1:8080 or https://*.corp.example:443",
            )
        scheme, host, port = match[1], match[2].strip("[]").lower(), match[3]
        if port is None:
            return cls(scheme, host, DEFAULT_PORTS.get(scheme))
        return cls(scheme, host, None if port == "*" else int(port))

    def matches(self, origin: Origin) -> bool:
        """Whether the origin, as the URL spells it, is meant."""
        if self.scheme not in ("*", origin.scheme) or self.port not in (None, origin.port):
            return False
        if self.host.startswith("*."):
            return origin.host.endswith(self.host[1:])
        return origin.host == self.host


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet, embedded IPv4 addresses looked into."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _INSIDE_V4)
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return (
        address.scope_id is None
        and address in _GLOBAL_V6
        and not any(address in network for network in _INSIDE_V6)
    )


def literal_address(host: str) -> Address | None:
    """The address that `host` spells, None for a name.

    A number in any spelling but the usual one (`2130706433`, `0x7f.1`, `0177.0.0.1`) is refused, since
    resolvers disagree about what it means: `StepError` (`http.refused_address`).
    """
    bare = host.rstrip(".")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        if ":" in bare or "%" in bare or _NUMBER_LABEL.fullmatch(bare.rpartition(".")[2]):
            raise refused(host, "is an address in an unusual spelling") from None
        return None


def refused(host: str, why: str) -> StepError:
    """The error for an address that no flow may reach; nothing was sent."""
    return StepError(
        "http.refused_address",
        f"{host[:100]} {why}",
        hint="a service inside the network must be listed in config.yaml under http: allow:",
    )


def checked_addresses(host: str, answers: Sequence[tuple[object, ...]], *, allowed: bool) -> tuple[str, ...]:
    """The addresses out of a resolver's answers, each public unless the origin is `allowed`.

    One address that is not public spoils them all: a name that points inside is not to be trusted.
    """
    found: list[str] = []
    for answer in answers:
        place = answer[4]
        assert isinstance(place, tuple), "a resolver's answer ends with a socket address"
        text = str(place[0])
        if not allowed and not is_public(ipaddress.ip_address(text)):
            raise refused(host, "leads to an address that is not public")
        if text not in found:
            found.append(text)
    return tuple(found)


def addresses_of(origin: Origin, allow: Sequence[AllowPattern], resolver: Resolver) -> tuple[str, ...]:
    """The checked addresses of an origin, none if nobody knows any; `StepError` (`http.refused_address`)."""
    literal = literal_address(origin.host)
    try:
        answers: Sequence[tuple[object, ...]] = (
            [(socket.AF_UNSPEC, 0, 0, "", (str(literal), origin.port))]
            if literal is not None
            else resolver(origin.host, origin.port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        answers = ()
    allowed = any(pattern.matches(origin) for pattern in allow)
    return checked_addresses(origin.host, answers, allowed=allowed)


def system_resolver(host: str, port: int, **kinds: int) -> Sequence[tuple[object, ...]]:
    """The operating system's own answer."""
    return socket.getaddrinfo(host, port, **kinds)
