"""Follows the runtime for as long as the agent lives, through its restarts."""

import asyncio
import logging
from collections.abc import Callable

from labctl.client.backoff import Backoff
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.cri.messages import StoredImage
from labctl.node.pods.mirror import RuntimeMirror

_FIRST_RETRY, _LAST_RETRY = 0.02, 1.0

_log = logging.getLogger(__name__)


class RuntimeLink:
    """Keeps `mirror` like the runtime, and `images` like the lab's store.

    `changed()` is called when the runtime comes or goes, `images_changed()` when images do;
    `healed` is given a sandbox's id and a sentence on what the runtime mended of it.
    """

    def __init__(
        self,
        runtime: RuntimeClient,
        node: str,
        mirror: RuntimeMirror,
        changed: Callable[[], None],
        images_changed: Callable[[], None],
        healed: Callable[[str, str], None],
    ) -> None:
        self.images: list[StoredImage] = []
        self.connected = False
        self.seen = False
        """Whether the mirror was ever filled: before that nothing is known of any pod."""
        self._runtime = runtime
        self._node = node
        self._mirror = mirror
        self._changed = changed
        self._images_changed = images_changed
        self._healed = healed

    async def run(self) -> None:
        """Until cancelled."""
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        while True:
            try:
                await self._follow(backoff)
            except CriError as error:
                level = logging.WARNING if backoff.failures == 0 else logging.DEBUG
                _log.log(level, "runtime: %s", error.message)
            if self.connected:
                self.connected = False
                self._changed()
            await asyncio.sleep(backoff.next())

    async def _follow(self, backoff: Backoff) -> None:
        """Subscribes first and lists afterwards, so that nothing falls between."""
        subscription = await self._runtime.subscribe(self._node)
        try:
            sandboxes = await self._runtime.list_pod_sandboxes(self._node)
            containers = await self._runtime.list_containers(self._node)
            self.images = await self._runtime.list_images()
            self._mirror.replace_all(sandboxes, containers)
            self.connected = self.seen = True
            backoff.reset()
            self._changed()
            async for event in subscription:
                if event.kind == "images-changed":
                    self.images = await self._runtime.list_images()
                    self._images_changed()
                elif event.kind == "pin-mended":
                    self._healed(event.sandbox_id, event.message)
                else:
                    self._mirror.take(event)
        finally:
            subscription.close()
