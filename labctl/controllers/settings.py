"""How patient the control plane is, and whose addresses it gives, as the lab's ConfigMap has it."""

import logging
from typing import Final

from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.lab import LAB_CONFIGMAP, NetworkSpec, Times, lab_from_configmap
from labctl.api.objects import Obj
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.errors import LabError

_KUBERNETES_GRACE: Final = 50.0  # seconds: to what Kubernetes' other times are in proportion

_log = logging.getLogger(__name__)


class Settings:
    """Follows the ConfigMap; without one the defaults hold, with a broken one what held before."""

    def __init__(self, client: Client) -> None:
        space, name = LAB_CONFIGMAP
        self.times = Times()
        self.pod_cidr = NetworkSpec().pod_cidr
        self._cache = Cache(client, CONFIGMAPS, space, fields=f"metadata.name={name}")
        self._cache.subscribe(self._changed)

    async def run(self) -> None:
        """Follows until cancelled."""
        await self._cache.run()

    async def synced(self) -> None:
        await self._cache.synced()

    def scaled(self, seconds: float) -> float:
        """A time of Kubernetes' controllers, shortened or lengthened as this lab's grace time is."""
        return seconds * self.times.grace_seconds / _KUBERNETES_GRACE

    def _changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is None:
            return
        try:
            lab = lab_from_configmap(new)
        except LabError as error:
            _log.warning("the lab's ConfigMap: %s", error)
            return
        self.times = lab.times
        self.pod_cidr = lab.network.pod_cidr
