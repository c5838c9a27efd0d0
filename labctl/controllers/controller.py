"""What all controllers share: who they are, what they see, and how they run."""

from dataclasses import dataclass
from typing import Protocol

from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.controllers.caches import Caches
from labctl.controllers.kinds import Kinds
from labctl.controllers.settings import Settings


class Controller(Protocol):
    """Runs until cancelled, once the caches that it subscribed to are being filled."""

    async def run(self) -> None: ...


@dataclass(frozen=True)
class Desk:
    """A controller's place to work: its client, its Events' voice, and what all of them share."""

    client: Client
    recorder: EventRecorder
    caches: Caches
    settings: Settings
    kinds: Kinds
