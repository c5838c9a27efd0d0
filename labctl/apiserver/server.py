"""The API server of a lab: one store, one cache, one chain, any number of ways in."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from labctl.api.kinds.core import NAMESPACES
from labctl.api.objects import Obj
from labctl.api.tokens import account_user
from labctl.apiserver.admission.chain import AdmissionChain
from labctl.apiserver.admission.namespaces import DEFAULT_NAMESPACES
from labctl.apiserver.answers import Answer, Stream
from labctl.apiserver.authentication import Credentials, ServiceAccountTokens, identified
from labctl.apiserver.authentication.identities import account_groups
from labctl.apiserver.authorization import MASTERS, Attributes, Authorizer
from labctl.apiserver.authorization.bootstrap import ensure_defaults
from labctl.apiserver.catalog import Served
from labctl.apiserver.chain import answer, handle, identify
from labctl.apiserver.compaction import compact_for_ever
from labctl.apiserver.definitions import DefinitionController
from labctl.apiserver.http.health import Check
from labctl.apiserver.http.in_flight import InFlight
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.local import LocalTransport
from labctl.apiserver.measures import Measures
from labctl.apiserver.metrics.source import UsageSource
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Identity, Request
from labctl.apiserver.turns import Turns
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.store import Store, StoreError

logger = logging.getLogger(__name__)

_STORE_PATIENCE = 2.0


class ApiServer:
    """Serves what a store holds. `start` it, take transports and listeners, `stop` it.

    `agents` is the hop to the nodes for what they use; without it there are no metrics. `pki` is where
    the key is that signs tokens; without one there are no tokens.
    """

    def __init__(
        self,
        store: Store,
        cache: WatchCache | None = None,
        agents: Agents | None = None,
        pki: Path | None = None,
    ) -> None:
        self._store = store
        self.cache = cache or WatchCache(store)
        self.served = Served(self.cache)
        self.measures = Measures()
        authorizer = Authorizer(self.cache)
        self.backend = Backend(
            store,
            self.cache,
            ServiceAccountTokens(self.cache, pki),
            authorizer,
            AdmissionChain(authorizer),
            UsageSource(self.cache, agents),
            self.measures,
            Turns(),
        )
        self.in_flight = InFlight()
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    async def start(self) -> None:
        """Fills the cache and makes the namespaces and roles that every cluster has."""
        await self.cache.start()
        await self._make_namespaces()
        await ensure_defaults(Client(self._own_transport()), self.cache)
        definitions = DefinitionController(Client(self._own_transport()))
        self._tasks = [
            asyncio.create_task(compact_for_ever(self._store), name="compaction"),
            asyncio.create_task(definitions.run(), name="custom resource definitions"),
        ]
        self.ready = True

    async def stop(self) -> None:
        """Ends all watches; the store stays open, it belongs to the caller."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.cache.stop()

    async def identify(
        self, credentials: Credentials, headers: Iterable[tuple[str, str]] = ()
    ) -> Identity:
        """Who is asking, by what the connection and the headers show; raises 400, 401, 403."""
        return await identify(self.backend, credentials, headers)

    async def authorize(self, request: Request) -> None:
        """Raises 403 unless the request's user may do what it asks for."""
        await self.backend.authorizer.authorize(request)

    async def authorize_path(self, user: Identity, method: str, path: str) -> None:
        """The same for a path that is no resource."""
        await self.backend.authorizer.require(Attributes(user, method.lower(), path=path))

    async def answer(self, request: Request) -> Answer | Stream:
        """Answers a request that was authorized; raises StatusError."""
        return await answer(self.backend, request)

    async def handle(self, request: Request) -> Answer | Stream:
        """Answers a request whose sender was authenticated; raises StatusError."""
        return await handle(self.backend, request)

    def local_transport(self, user_name: str, groups: tuple[str, ...] = ()) -> LocalTransport:
        """A transport for a component of this process, which acts as that user."""
        return LocalTransport(self.served.locate, self.handle, identified(user_name, groups))

    def account_transport(self, namespace: str, account: str) -> LocalTransport:
        """The same for one that acts as a ServiceAccount."""
        return self.local_transport(account_user(namespace, account), account_groups(namespace))

    def _own_transport(self) -> LocalTransport:
        return self.local_transport("system:apiserver", (MASTERS,))

    def checks(self, endpoint: str) -> dict[str, Check]:
        """What `/healthz`, `/livez` or `/readyz` looks at, by Kubernetes' names."""
        checks: dict[str, Check] = {"ping": _is_there, "etcd": self._store_answers}
        if endpoint == "readyz":
            checks |= {"informer-sync": self._is_ready, "shutdown": self._is_ready}
        return checks

    async def _store_answers(self) -> bool:
        try:
            async with asyncio.timeout(_STORE_PATIENCE):
                await self._store.revision()
        except (StoreError, TimeoutError) as error:
            logger.warning("health: the store does not answer: %s", error)
            return False
        return True

    async def _is_ready(self) -> bool:
        """Whether the cache was filled, and nobody has stopped the server since."""
        return self.ready

    async def _make_namespaces(self) -> None:
        transport = self._own_transport()
        for name in DEFAULT_NAMESPACES:
            if self.cache.get(NAMESPACES, "", name) is None:
                namespace: Obj = {"metadata": {"name": name}}
                try:
                    await transport.request("POST", NAMESPACES.path(), body=namespace)
                except StatusError as error:
                    if error.reason != "AlreadyExists":
                        raise


async def _is_there() -> bool:
    return True
