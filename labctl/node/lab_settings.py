"""The lab's spec, as the ConfigMap `kube-system/labctl` has it now."""

import asyncio
import logging
from collections.abc import Callable

from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.lab import LAB_CONFIGMAP, STRICT, LabSpec, lab_from_configmap
from labctl.api.objects import Obj, name
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.errors import BadInput
from labctl.node.pods.crash_backoff import Delays

_log = logging.getLogger(__name__)


class LabSettings:
    """Follows the ConfigMap; subscribers are called for every new spec."""

    def __init__(self, client: Client) -> None:
        namespace, self._name = LAB_CONFIGMAP
        self._handlers: list[Callable[[], None]] = []
        self._spec: LabSpec | None = None
        self._known = asyncio.Event()
        self._cache = Cache(client, CONFIGMAPS, namespace, fields=f"metadata.name={self._name}")
        self._cache.subscribe(self._take)

    @property
    def spec(self) -> LabSpec:
        """The last good spec; only after `known()`."""
        assert self._spec is not None
        return self._spec

    def subscribe(self, handler: Callable[[], None]) -> None:
        self._handlers.append(handler)

    async def run(self) -> None:
        await self._cache.run()

    async def known(self) -> LabSpec:
        """The spec, once there is one."""
        await self._known.wait()
        return self.spec

    def heartbeat_seconds(self) -> float:
        return float(self.spec.times.heartbeat_seconds)

    def only_images(self) -> bool:
        """Whether neither programs of the machine nor stand-ins take an image's place."""
        return self.spec.images == STRICT

    def crash_delays(self) -> Delays:
        times = self.spec.times
        return Delays(times.crash_backoff_seconds, times.crash_backoff_limit_seconds)

    def _take(self, _old: Obj | None, new: Obj | None) -> None:
        if new is None or name(new) != self._name:
            return
        try:
            self._spec = lab_from_configmap(new)
        except BadInput as error:
            _log.error("ConfigMap %s: %s; going on with the last good one", self._name, error)
            return
        self._known.set()
        for handler in self._handlers:
            handler()
