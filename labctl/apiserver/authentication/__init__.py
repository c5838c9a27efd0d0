"""Who is asking: the second step of the chain, after TLS.

The Unix socket belongs to root: the kernel vouches for the peer's uid, so no credentials are needed
there. A client certificate of the lab's authority names a user, and a bearer token a ServiceAccount.
Whoever shows nothing is anonymous, and may do what anonymous may: next to nothing. What is shown
and not good is a 401.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api import status
from labctl.apiserver.authentication.certificates import of_certificate
from labctl.apiserver.authentication.identities import ADMIN, ANONYMOUS, identified
from labctl.apiserver.authentication.tokens import ServiceAccountTokens
from labctl.apiserver.request import Identity

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "Credentials",
    "ServiceAccountTokens",
    "authenticate",
    "identified",
]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection and a request show of their sender, as the listener found it.

    `certificate` is a verified peer certificate as `ssl.SSLSocket.getpeercert` tells it; `uid` the
    peer's user on a Unix socket; `authorization` the header of that name.
    """

    certificate: Mapping[str, Any] | None = None
    uid: int | None = None
    authorization: str = ""


async def authenticate(tokens: ServiceAccountTokens, credentials: Credentials) -> Identity:
    """The identity behind the credentials; raises 401 for any that are shown but not good."""
    if credentials.uid is not None:
        return _of_local_user(credentials.uid)
    if credentials.certificate:
        return of_certificate(credentials.certificate)
    if credentials.authorization:
        return await tokens.identify(_bearer_token(credentials.authorization))
    return ANONYMOUS


def _of_local_user(uid: int) -> Identity:
    if uid != 0:
        raise status.unauthorized()
    return ADMIN


def _bearer_token(header: str) -> str:
    """RFC 6750, 2.1; there is no other scheme."""
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise status.unauthorized()
    return token.strip()
