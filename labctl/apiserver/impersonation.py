"""As whom: the third step of the chain. Somebody may act as somebody else who is allowed to.

Each part of the other identity is a resource on which the verb `impersonate` is asked for: users,
groups, serviceaccounts, uids and userextras (k8s.io/apiserver/pkg/endpoints/filters).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from labctl.api import status
from labctl.apiserver.authentication.identities import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    account_groups,
    split_account,
)
from labctl.apiserver.authorization import Attributes, Authorizer
from labctl.apiserver.request import Identity

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"
_GROUP = "authentication.k8s.io"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who somebody wants to be, as the headers say it."""

    user: str
    uid: str
    groups: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]


async def impersonate(
    authorizer: Authorizer, user: Identity, headers: Iterable[tuple[str, str]]
) -> Identity:
    """Whom a request acts as: its sender, or whom it wishes to be. Raises 400, 403."""
    own = [(name.lower(), value) for name, value in headers if _is_own(name)]
    if not own:
        return user
    if not all(value.isprintable() for _, value in own):
        raise status.bad_request("impersonation headers must be printable text")
    wish = _wish(own)
    for asked in _questions(user, wish):
        await authorizer.require(asked)
    return _identity(wish)


def _is_own(header: str) -> bool:
    return header[: len(_PREFIX)].lower() == _PREFIX


def _wish(headers: list[tuple[str, str]]) -> Wish:
    def values(header: str) -> tuple[str, ...]:
        return tuple(value for name, value in headers if name == header)

    keys = dict.fromkeys(name for name, _ in headers if name.startswith(_EXTRA))
    extra = tuple((unquote(key.removeprefix(_EXTRA)), values(key)) for key in keys)
    user, uid = values("impersonate-user"), values("impersonate-uid")
    if not user or not user[0]:
        raise status.bad_request("requested groups, uid or extra without impersonating a user")
    return Wish(user[0], uid[0] if uid else "", values("impersonate-group"), extra)


def _questions(user: Identity, wish: Wish) -> Iterator[Attributes]:
    """What the sender must be allowed, so that it may be whom it wishes to be."""

    def may(group: str, resource: str, name: str, namespace: str = "", sub: str = "") -> Attributes:
        return Attributes(user, "impersonate", group, resource, sub, namespace, name)

    account = split_account(wish.user)
    if account:
        yield may("", "serviceaccounts", account[1], account[0])
    else:
        yield may("", "users", wish.user)
    yield from (may("", "groups", group) for group in wish.groups)
    if wish.uid:
        yield may(_GROUP, "uids", wish.uid)
    for key, values in wish.extra:
        yield from (may(_GROUP, "userextras", value, sub=key) for value in values)


def _identity(wish: Wish) -> Identity:
    """Whoever is named is somebody, but for anonymous."""
    account = split_account(wish.user)
    groups = wish.groups
    if account and not groups:
        groups = account_groups(account[0])
    if wish.user == ANONYMOUS.name:
        groups = groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
    elif not {AUTHENTICATED, UNAUTHENTICATED}.intersection(groups):
        groups = (*groups, AUTHENTICATED)
    return Identity(wish.user, groups, wish.uid, wish.extra)
