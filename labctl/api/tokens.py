"""What the tokens of ServiceAccounts claim: made from objects, and read back (pkg/serviceaccount).

A token of a TokenRequest holds for a time and names by UID what it is bound to. The one that a
Secret holds has no end, and goes with its Secret.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.api.objects import Obj, name, namespace, uid

ISSUER = "https://kubernetes.default.svc.cluster.local"
SECRET_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"

_SECRET_ISSUER = "kubernetes/serviceaccount"  # noqa: S105 - an issuer's name
_PRIVATE = "kubernetes.io"
_BOUND = ("pod", "secret", "node")


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that must be there, and the same: `kind` is pod, secret or node."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Claims:
    """A token, understood. `expires` is None for one that a Secret holds."""

    namespace: str
    account: str
    account_uid: str
    bound: tuple[Reference, ...]
    audiences: tuple[str, ...]
    begins: float
    expires: float | None
    id: str

    def holds_at(self, now: float) -> bool:
        return self.begins <= now and (self.expires is None or now < self.expires)


def account_user(namespace: str, account: str) -> str:
    """The user that a ServiceAccount is."""
    return f"system:serviceaccount:{namespace}:{account}"


def request_claims(
    account: Obj, bound: Iterable[Obj], audiences: Sequence[str], now: int, seconds: int
) -> dict[str, Any]:
    """The claims of a token for `account` that holds `seconds` from `now`."""
    private: Obj = {
        "namespace": namespace(account),
        "serviceaccount": {"name": name(account), "uid": uid(account)},
    }
    for obj in bound:
        private[str(obj["kind"]).lower()] = {"name": name(obj), "uid": uid(obj)}
    return {
        "aud": list(audiences),
        "exp": now + seconds,
        "iat": now,
        "iss": ISSUER,
        "jti": str(uuid.uuid4()),
        _PRIVATE: private,
        "nbf": now,
        "sub": account_user(namespace(account), name(account)),
    }


def secret_claims(account: Obj, secret: Obj) -> dict[str, Any]:
    """The claims of the token that `secret` holds for `account`."""
    prefix = "kubernetes.io/serviceaccount"
    return {
        "iss": _SECRET_ISSUER,
        f"{prefix}/namespace": namespace(secret),
        f"{prefix}/secret.name": name(secret),
        f"{prefix}/service-account.name": name(account),
        f"{prefix}/service-account.uid": uid(account),
        "sub": account_user(namespace(secret), name(account)),
    }


def read_claims(claims: Obj) -> Claims:
    """Claims whose signature was found good; raises ValueError for what no lab would sign."""
    try:
        if claims["iss"] == _SECRET_ISSUER:
            return _of_secret(claims)
        if claims["iss"] == ISSUER:
            return _of_request(claims)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the token lacks a claim: {error}") from None
    raise ValueError("the token is of another issuer")


def _of_request(claims: Obj) -> Claims:
    private = claims[_PRIVATE]
    bound = [
        Reference(kind, private[kind]["name"], private[kind]["uid"])
        for kind in _BOUND
        if kind in private
    ]
    return Claims(
        private["namespace"],
        private["serviceaccount"]["name"],
        private["serviceaccount"]["uid"],
        tuple(bound),
        tuple(claims["aud"]),
        float(claims["nbf"]),
        float(claims["exp"]),
        claims["jti"],
    )


def _of_secret(claims: Obj) -> Claims:
    prefix = "kubernetes.io/serviceaccount"
    return Claims(
        claims[f"{prefix}/namespace"],
        claims[f"{prefix}/service-account.name"],
        claims[f"{prefix}/service-account.uid"],
        (Reference("secret", claims[f"{prefix}/secret.name"], ""),),
        (ISSUER,),  # it says nothing of audiences, and is taken by the API server alone
        0.0,
        None,
        "",
    )
