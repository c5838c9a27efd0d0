"""What puts sandboxes on the network, as the rest of the agent sees it.

Two do: labctl's own bridge and veth pairs (`builtin`), and any CNI plugins (`plugins`). How packets
cross nodes is neither's matter: the node's network (`labctl.node.network`) sees to that.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from labctl.cri.messages import Sandbox
from labctl.node.snapshot import Snapshot


class PodNetwork(Protocol):
    """Every method raises LabError. Sandboxes on the node's own network never come here."""

    @property
    def problem(self) -> str:
        """Why no pod can be put on the network; "" when pods can."""

    async def begin(self, snapshot: Snapshot, sandboxes: Sequence[Sandbox]) -> set[str]:
        """Sets up the node's network for the first time, and takes over sandboxes that run.

        Returns the ids of those that are on the network. Tried again when it failed.
        """

    async def run(self) -> None:
        """Keeps `problem` true, for as long as there is anything to ask."""

    def reserve(self, sandbox_id: str) -> str:
        """The address that a sandbox will have; "" where that shows only when it is attached.

        Raises NetworkNotReady, NoFreeAddress.
        """

    def release(self, sandbox_id: str) -> None:
        """The sandbox did not come about."""

    async def attach(self, sandbox: Sandbox) -> Sandbox:
        """Puts a sandbox on the network; returns it as it is now, with its address."""

    def departure(self, sandbox: Sandbox) -> AbstractAsyncContextManager[None]:
        """Takes a sandbox off the network; the body ends its namespace.

        Afterwards nothing answers for its address, which is free again.
        """

    def forget(self, pod_uid: str) -> None:
        """Nothing is left of the pod."""
