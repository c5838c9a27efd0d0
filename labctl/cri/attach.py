"""Attach: joining what a running container says, and hears.

The caller sends the writing ends of two pipes, into which stdout and stderr are copied from now on
until the container ends or the caller hangs up. The container's stdin, or its terminal, comes back.
"""

from labctl.cri import messages
from labctl.cri.leash import Leash


class AttachSession(Leash):
    """A joined container. `terminal` says whether it has one; `stays`, that its stdin outlives us."""

    terminal = False
    stays = False

    @property
    def stdin(self) -> int | None:
        """What leads to its stdin, or its terminal's master; the caller's to close, or None."""
        return self.descriptor

    async def started(self) -> None:
        attached = await self.reply(messages.Attached)
        self.terminal, self.stays = attached.terminal, attached.stays

    async def wait(self) -> int:
        """Returns 0 once the container has ended and all of its output was written."""
        await self.reply(messages.AttachEnded)
        return 0
