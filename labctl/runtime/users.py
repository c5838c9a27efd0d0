"""Whom an image means by its user: a name or a number, as its own /etc/passwd and group have it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labctl.cri.errors import CREATE_CONTAINER_ERROR, CriError
from labctl.images.union import find

_FILE_MAX = 4 * 1024 * 1024
_ROOT_HOME, _NO_HOME = "/root", "/"
_REASON = CREATE_CONTAINER_ERROR


@dataclass(frozen=True)
class User:
    number: int = 0
    group: int = 0
    groups: tuple[int, ...] = ()
    home: str = _ROOT_HOME


@dataclass(frozen=True)
class Accounts:
    """The texts of /etc/passwd and /etc/group."""

    users: str = ""
    groups: str = ""


def read_accounts(layers: Sequence[str]) -> Accounts:
    """Those of an image; empty where it has none."""
    return Accounts(_read(layers, "etc/passwd"), _read(layers, "etc/group"))


def find_user(wanted: str, accounts: Accounts) -> User:
    """The user that `NAME`, `NUMBER`, or one of them and `:GROUP` is; root for "".

    A number need not be known; it is in group 0 then. Raises CriError for a name that nobody has.
    """
    name, _, group = wanted.partition(":")
    number, own_group, home, login = _account(name or "0", accounts)
    if group:
        return User(number, _group(group, accounts), (), home)
    return User(number, own_group, tuple(_memberships(login, accounts)), home)


def _account(wanted: str, accounts: Accounts) -> tuple[int, int, str, str]:
    for login, _, number, group, _, home, *_ in _lines(accounts.users, 7):
        if wanted in (login, number) and number.isdecimal() and group.isdecimal():
            return int(number), int(group), home or _NO_HOME, login
    if wanted.isdecimal():
        return int(wanted), 0, _ROOT_HOME if int(wanted) == 0 else _NO_HOME, ""
    raise CriError(f"unable to find user {wanted}: no matching entries in passwd file", _REASON)


def _group(wanted: str, accounts: Accounts) -> int:
    for name, _, number, *_ in _lines(accounts.groups, 3):
        if wanted in (name, number) and number.isdecimal():
            return int(number)
    if wanted.isdecimal():
        return int(wanted)
    raise CriError(f"unable to find group {wanted}: no matching entries in group file", _REASON)


def _memberships(login: str, accounts: Accounts) -> Iterator[int]:
    for _, _, number, members, *_ in _lines(accounts.groups, 4):
        if login and login in members.split(",") and number.isdecimal():
            yield int(number)


def _lines(text: str, fields: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        parts = line.split(":")
        if len(parts) >= fields:
            yield parts


def _read(layers: Sequence[str], path: str) -> str:
    try:
        place = find(layers, path)
        if place is None or not os.path.isfile(place):
            return ""
        with open(place, encoding="utf-8", errors="replace") as file:
            return file.read(_FILE_MAX)
    except OSError:
        return ""
