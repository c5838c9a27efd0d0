"""What is done for the volumes of pods that run: kept like the API, and within their limits."""

import asyncio
from collections.abc import Callable

from labctl.client.client import Client
from labctl.node.place import Place
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.teller import PodTeller
from labctl.node.volumes.live import LiveVolumes
from labctl.node.volumes.size_limits import SizeLimits
from labctl.node.volumes.tokens import Tokens


class VolumeUpkeep:
    """For the pods in `objects`; what is counted is counted every `seconds()`. `changed(uid)` is told
    when there is more to do for a pod.
    """

    def __init__(
        self,
        place: Place,
        client: Client,
        objects: PodObjects,
        memory: PodMemory,
        teller: PodTeller,
        seconds: Callable[[], float],
        changed: Callable[[str], None],
    ) -> None:
        self.tokens = Tokens(client)
        self._live = LiveVolumes(place, client, objects, memory, self.tokens, teller, changed)
        self._limits = SizeLimits(place.lab, objects, memory, teller, seconds, changed)

    def look(self, pod_uid: str) -> None:
        """A pod came, changed or went, or a container was made in it."""
        self._live.look(pod_uid)
        self._limits.look(pod_uid)

    async def run(self) -> None:
        await asyncio.gather(self._live.run(), self._limits.run())

    async def close(self) -> None:
        await self._live.close()
