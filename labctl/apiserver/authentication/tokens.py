"""ServiceAccounts by bearer token: good as long as what the token names is there.

A token names its account and what it is bound to with their UIDs: when one of them is deleted, or
made again under the same name, the token is worth nothing from that moment on. A signature is
verified once and remembered; all else is looked at with every request.
"""

import time
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labctl.api import status
from labctl.api.kinds.core import NODES, PODS, SECRETS, SERVICEACCOUNTS
from labctl.api.objects import uid
from labctl.api.tokens import ISSUER, Claims, Reference, account_user, read_claims
from labctl.apiserver.authentication.identities import AUTHENTICATED, account_groups
from labctl.apiserver.request import Identity
from labctl.apiserver.watchcache.cache import WatchCache

AUDIENCES = (ISSUER,)  # for whom a token must be, if this server shall take it

_CLAIMS_KEPT = 1_000
_EXTRA = "authentication.kubernetes.io/"
_BOUND = {"pod": PODS, "secret": SECRETS, "node": NODES}


class ServiceAccountTokens:
    """The lab's tokens, signed and known again with the key among the files in `pki`.

    A server without such files issues no tokens, and takes none.
    """

    def __init__(self, cache: WatchCache, pki: Path | None) -> None:
        self._cache = cache
        self._pki = pki
        self._key: Any = None
        self._claims: dict[str, Claims] = {}

    async def identify(self, token: str, audiences: Iterable[str] = AUDIENCES) -> Identity:
        """The account behind a token that is for one of `audiences`; raises 401."""
        claims = self._read(token)
        if not claims.holds_at(time.time()) or not set(claims.audiences).intersection(audiences):
            raise status.unauthorized()
        if not self._stands(claims, token):
            await self._cache.fresh()  # the cache may be behind whoever made the account
            if not self._stands(claims, token):
                raise status.unauthorized()
        return _identity(claims)

    def audiences(self, token: str) -> tuple[str, ...]:
        """For whom a token is; raises 401 if it is none of this lab."""
        return self._read(token).audiences

    def sign(self, claims: dict[str, Any]) -> str:
        """A token; raises 503 where there is no key."""
        try:
            token: str = self._signing_key().sign(claims)
        except (OSError, ValueError, TypeError) as error:
            raise status.service_unavailable(f"no key to sign tokens with: {error}") from None
        return token

    def _read(self, token: str) -> Claims:
        claims = self._claims.get(token)
        if claims is None:
            try:
                claims = read_claims(self._signing_key().claims(token))
            except (OSError, ValueError, TypeError):
                raise status.unauthorized() from None
            if len(self._claims) >= _CLAIMS_KEPT:
                self._claims.clear()
            self._claims[token] = claims
        return claims

    def _signing_key(self) -> Any:
        """Loaded when it is first needed: that costs some 60 ms of cryptography."""
        if self._key is None:
            if self._pki is None:
                raise OSError("this server was started without one")
            from labctl.pki import TokenKey

            self._key = TokenKey.load(self._pki)
        return self._key

    def _stands(self, claims: Claims, token: str) -> bool:
        """Whether the account and all that the token is bound to are there, and the same."""
        account = self._cache.get(SERVICEACCOUNTS, claims.namespace, claims.account)
        if account is None or uid(account.object) != claims.account_uid:
            return False
        # Beside a pod the node is only told of: the pod goes with it, or is on another by then.
        needed = [one for one in claims.bound if one.kind != "node" or len(claims.bound) == 1]
        return all(self._is_there(one, claims, token) for one in needed)

    def _is_there(self, reference: Reference, claims: Claims, token: str) -> bool:
        resource = _BOUND[reference.kind]
        space = claims.namespace if resource.namespaced else ""
        entry = self._cache.get(resource, space, reference.name)
        if entry is None:
            return False
        if claims.expires is None:
            held = (entry.object.get("data") or {}).get("token")
            return bool(held == b64encode(token.encode()).decode())
        return uid(entry.object) == reference.uid


def _identity(claims: Claims) -> Identity:
    extra = {"credential-id": f"JTI={claims.id}"} if claims.id else {}
    for one in claims.bound:
        if one.kind != "secret":
            extra |= {f"{one.kind}-name": one.name, f"{one.kind}-uid": one.uid}
    return Identity(
        account_user(claims.namespace, claims.account),
        (*account_groups(claims.namespace), AUTHENTICATED),
        claims.account_uid,
        tuple((_EXTRA + key, (value,)) for key, value in sorted(extra.items())),
    )
