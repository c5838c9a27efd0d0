"""What the kernel holds of nftables, by netlink: names of tables and chains, and digests.

Nothing here understands rules: a rule is the bytes that the kernel tells of it. A digest leaves
out what changes by itself: handles, counters, elements of sets that packets add to.
"""

import contextlib
import errno
import hashlib
import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from labctl.errors import NetError
from labctl.net import wire
from labctl.net.netlink import Netlink
from labctl.net.subscription import NETLINK_NETFILTER

_NFNL_SUBSYS_NFTABLES = 10
_NFGENMSG = struct.Struct("=BBH")  # family, version, resource
_FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
_FAMILY_NAMES = {number: name for name, number in _FAMILIES.items()}

_NFNL_MSG_BATCH_BEGIN, _NFNL_MSG_BATCH_END = 0x10, 0x11
_BATCH_OF_NFTABLES = struct.pack("=BBH", 0, 0, socket.htons(_NFNL_SUBSYS_NFTABLES))
_NEWCHAIN = 3
_GETTABLE, _GETCHAIN, _GETRULE, _GETSET, _GETSETELEM = 1, 4, 7, 10, 13
_TABLE_NAME = 1
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE = 1, 3, 4, 5, 7
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_EXPR_NAME, _EXPR_DATA = 1, 2
_SET_TABLE, _SET_NAME, _SET_FLAGS, _SET_KEY_TYPE, _SET_KEY_LEN = 1, 2, 3, 4, 5
_SET_DATA_TYPE = 6
_ELEM_LIST_TABLE, _ELEM_LIST_SET, _ELEM_LIST_ELEMENTS = 1, 2, 3
_ELEM_KEY, _ELEM_DATA, _ELEM_FLAGS, _ELEM_KEY_END = 1, 2, 3, 10
_NFT_SET_TIMEOUT, _NFT_SET_EVAL = 0x10, 0x20
_STATEFUL = frozenset({"counter", "quota", "limit", "connlimit", "last"})


class Tables:
    """A netfilter socket in the namespace in which the caller is; a context manager."""

    def __init__(self) -> None:
        self._netlink: Netlink | None = None
        with contextlib.suppress(OSError):  # a kernel without netfilter has no tables
            kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
            self._netlink = Netlink(socket.socket(socket.AF_NETLINK, kind, NETLINK_NETFILTER))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._netlink:
            self._netlink.close()

    def _dump(self, what: int, family: int = 0, filters: bytes = b"") -> list[bytes]:
        if self._netlink is None:
            return []
        body = _NFGENMSG.pack(family, 0, 0) + filters
        try:
            return self._netlink.dump(_NFNL_SUBSYS_NFTABLES << 8 | what, body)
        except NetError as error:
            if error.errno in {errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP}:
                return []  # no such table, or no nf_tables in this kernel
            raise

    def chains(self) -> Iterator[tuple[str, str, list[str]]]:
        """Family, name and names of chains of each table."""
        found: dict[tuple[int, str], list[str]] = {}
        for body in self._dump(_GETCHAIN):
            told = wire.attributes(body, _NFGENMSG.size)
            table = body[0], wire.text(told[_CHAIN_TABLE])
            found.setdefault(table, []).append(wire.text(told[_CHAIN_NAME]))
        for (family, name), chains in found.items():
            yield _FAMILY_NAMES.get(family, str(family)), name, chains

    def add_chain(self, family: str, table: str, name: str) -> None:
        """Adds an empty chain to a table, where starting nft would take 10 ms. Raises NetError."""
        body = _NFGENMSG.pack(_FAMILIES[family], 0, 0)
        body += _string(_CHAIN_TABLE, table) + _string(_CHAIN_NAME, name)
        flags = wire.NLM_F_REQUEST | wire.NLM_F_CREATE | wire.NLM_F_ACK
        chain = wire.message(_NFNL_SUBSYS_NFTABLES << 8 | _NEWCHAIN, flags, body)
        code = self._change(chain)
        if code:
            raise NetError(f"nft add chain {family} {table} {name}: {os.strerror(code)}", code)

    def _change(self, request: bytes) -> int:
        """Carries out a request as a transaction; returns its error, or 0."""
        if self._netlink is None:
            return errno.EPROTONOSUPPORT
        begin, end = (
            wire.message(kind, wire.NLM_F_REQUEST, _BATCH_OF_NFTABLES)
            for kind in (_NFNL_MSG_BATCH_BEGIN, _NFNL_MSG_BATCH_END)
        )
        (answer,) = self._netlink.query([begin + request + end])
        return -wire.i32(answer.body[:4])

    def digest(self, family: str, name: str, marks: tuple[str, ...]) -> str:
        """A digest of all that is in a table, but for the chains whose names begin so."""
        number = _FAMILIES[family]
        digest = hashlib.sha256()
        for part in (
            *self._chain_parts(number, name, marks),
            *self._rule_parts(number, name),
            *self._set_parts(number, name),
        ):
            digest.update(len(part).to_bytes(4, "big") + part)
        return digest.hexdigest()[:12]

    def _chain_parts(self, family: int, table: str, marks: tuple[str, ...]) -> Iterator[bytes]:
        for body in self._dump(_GETCHAIN, family):
            told = wire.attributes(body, _NFGENMSG.size)
            if wire.text(told[_CHAIN_TABLE]) != table:
                continue
            if not wire.text(told[_CHAIN_NAME]).startswith(marks):
                yield _chosen(told, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE)

    def _rule_parts(self, family: int, table: str) -> Iterator[bytes]:
        for body in self._dump(_GETRULE, family, _string(_RULE_TABLE, table)):
            told = wire.attributes(body, _NFGENMSG.size)
            yield told[_RULE_CHAIN]
            for _, expression in wire.attribute_list(told.get(_RULE_EXPRESSIONS, b"")):
                parts = wire.attributes(expression)
                stateful = wire.text(parts[_EXPR_NAME]) in _STATEFUL
                yield parts[_EXPR_NAME] if stateful else expression

    def _set_parts(self, family: int, table: str) -> Iterator[bytes]:
        for body in self._dump(_GETSET, family, _string(_SET_TABLE, table)):
            told = wire.attributes(body, _NFGENMSG.size)
            yield _chosen(told, _SET_NAME, _SET_FLAGS, _SET_KEY_TYPE, _SET_KEY_LEN, _SET_DATA_TYPE)
            flags = int.from_bytes(told.get(_SET_FLAGS, b""), "big")
            if not flags & (_NFT_SET_TIMEOUT | _NFT_SET_EVAL):
                yield from sorted(self._elements(family, table, wire.text(told[_SET_NAME])))

    def _elements(self, family: int, table: str, name: str) -> Iterator[bytes]:
        filters = _string(_ELEM_LIST_TABLE, table) + _string(_ELEM_LIST_SET, name)
        for body in self._dump(_GETSETELEM, family, filters):
            told = wire.attributes(body, _NFGENMSG.size)
            for _, element in wire.attribute_list(told.get(_ELEM_LIST_ELEMENTS, b"")):
                parts = wire.attributes(element)
                yield _chosen(parts, _ELEM_KEY, _ELEM_KEY_END, _ELEM_DATA, _ELEM_FLAGS)


def _string(kind: int, value: str) -> bytes:
    return wire.attribute(kind, value.encode() + b"\0")


def _chosen(told: dict[int, bytes], *kinds: int) -> bytes:
    return b"".join(wire.attribute(kind, told[kind]) for kind in kinds if kind in told)
