"""Who is asking: the first step of the chain.

A client certificate of the lab's authority names a user (common name) and groups (organizations).
The Unix socket belongs to root: the kernel vouches for the peer's uid, so no credentials are
needed there. Whoever shows nothing is anonymous, and may do what anonymous may: next to nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labctl.api import status
from labctl.apiserver.request import Identity

ANONYMOUS = Identity("system:anonymous", ("system:unauthenticated",))
ADMIN = Identity("system:admin", ("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection and a request show of their sender, as the listener found it.

    `certificate` is a verified peer certificate as `ssl.SSLSocket.getpeercert` tells it; `uid` the
    peer's user on a Unix socket.
    """

    certificate: Mapping[str, Any] | None = None
    uid: int | None = None
    authorization: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def authenticate(credentials: Credentials) -> Identity:
    """The identity behind the credentials; raises 401 for any that are shown but not good."""
    if credentials.uid is not None:
        return _of_local_user(credentials.uid)
    if credentials.certificate:
        return of_certificate(credentials.certificate)
    if credentials.authorization:
        raise status.unauthorized()
    return ANONYMOUS


def identified(name: str, groups: tuple[str, ...]) -> Identity:
    """A user who has proved who it is."""
    return Identity(name, (*groups, "system:authenticated"))


def of_certificate(certificate: Mapping[str, Any]) -> Identity:
    """User and groups of a certificate's subject; raises 401 if it names no user."""
    name, groups = "", list[str]()
    for relative_name in certificate.get("subject", ()):
        for attribute, value in relative_name:
            if attribute == "commonName":
                name = value
            elif attribute == "organizationName":
                groups.append(value)
    if not name:
        raise status.unauthorized()
    return identified(name, tuple(groups))


def _of_local_user(uid: int) -> Identity:
    if uid != 0:
        raise status.unauthorized()
    return ADMIN
