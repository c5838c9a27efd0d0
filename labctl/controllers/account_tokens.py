"""Secrets of type kubernetes.io/service-account-token: a token is put in, and they go with their account."""

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, Final

from labctl.api.kinds.core import SECRETS, SERVICEACCOUNTS
from labctl.api.objects import Obj, annotations, is_deleting, key, namespace, uid
from labctl.api.tokens import ACCOUNT_NAME, ACCOUNT_UID, SECRET_TYPE, secret_claims
from labctl.client.index import Index
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Delete, perform
from labctl.errors import StatusError

_WORKERS: Final = 5

Sign = Callable[[dict[str, Any]], str]


class AccountTokenController:
    """One Secret at a time; `sign` makes a token of claims, `authority` is the lab's, as PEM."""

    def __init__(self, desk: Desk, sign: Sign, authority: str) -> None:
        self._desk = desk
        self._sign = sign
        self._authority = authority
        self._secrets = desk.caches.of(SECRETS)
        self._by_account = Index(self._secrets, _account_of)
        self._reconciler = Reconciler("tokens", self._reconcile, _WORKERS)
        self._secrets.subscribe(self._secret_changed)
        desk.caches.of(SERVICEACCOUNTS).subscribe(self._account_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _secret_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None and new.get("type") == SECRET_TYPE:
            self._reconciler.mark(key(new))

    def _account_changed(self, old: Obj | None, new: Obj | None) -> None:
        """A new account may have been waited for; one that is gone takes its tokens along."""
        if old is None or new is None:
            for at in self._by_account.get(key(new or old or {})):
                self._reconciler.mark(at)

    async def _reconcile(self, at: str) -> float | None:
        secret = self._secrets.objects.get(at)
        if secret is None or is_deleting(secret) or secret.get("type") != SECRET_TYPE:
            return None
        account = await self._account(secret)
        if account is None:
            await self._delete(secret)
            return None
        data = self._data(secret, account)
        told = {ACCOUNT_UID: uid(account)}
        if data != secret.get("data") or not annotations(secret).items() >= told.items():
            noted = {**secret["metadata"], "annotations": {**annotations(secret), **told}}
            await self._desk.client.replace(SECRETS, {**secret, "metadata": noted, "data": data})
        return None

    async def _account(self, secret: Obj) -> Obj | None:
        """Asked of the API itself: a cache that is behind must not cost a Secret its life."""
        wanted = annotations(secret)
        try:
            account = await self._desk.client.get(
                SERVICEACCOUNTS, wanted.get(ACCOUNT_NAME, ""), namespace(secret)
            )
        except StatusError as error:
            if error.code != 404:
                raise
            return None
        return account if wanted.get(ACCOUNT_UID, uid(account)) == uid(account) else None

    def _data(self, secret: Obj, account: Obj) -> Obj:
        """What the Secret should hold; a token that is there stays."""
        data: Obj = secret.get("data") or {}
        wanted = {
            "ca.crt": _base64(self._authority),
            "namespace": data.get("namespace") or _base64(namespace(secret)),
        }
        token = data.get("token") or _base64(self._sign(secret_claims(account, secret)))
        return {**data, **wanted, "token": token}

    async def _delete(self, secret: Obj) -> None:
        try:
            await perform(self._desk.client, Delete(SECRETS, secret))
        except StatusError as error:
            if error.code not in (404, 409):
                raise


def _account_of(secret: Obj) -> Iterable[str]:
    """The key of the account that a Secret is for."""
    if secret.get("type") != SECRET_TYPE:
        return ()
    return (f"{namespace(secret)}/{annotations(secret).get(ACCOUNT_NAME, '')}",)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
