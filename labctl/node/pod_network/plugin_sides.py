"""The pods' own sides as CNI plugins left them, watched for wounds.

What plugins make is theirs, and so they are the judges: when a pod's side is no longer as it was
after ADD, CHECK is called. If it passes, things may be so, and that is how they should be from now
on (a plugin may have a daemon). If it fails, what was there before is put back in place, which
costs no container its life, and CHECK is asked again. Where that cannot be done, the cable being
gone, or does not content the plugins, the pod gets a new sandbox, as from a kubelet whose network
died. But a CHECK that fails of what ADD left never worked, which happens: that is only logged.
"""

import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from labctl.cni.errors import CniError
from labctl.errors import NetError
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.findings import Finding, finding, report
from labctl.net.monitor import Event, Lost
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, Noun
from labctl.net.observe import observe
from labctl.net.operations import Create, Operation
from labctl.net.state import NetState
from labctl.net.wounds import wounds

_log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found and done, "" for nothing, and whether the sandbox is still of use."""

    sentence: str = ""
    of_use: bool = True


_WELL = Examined()


@dataclass(frozen=True, slots=True)
class _Side:
    netns: str
    inode: int
    right: NetState


class PluginSides:
    """By sandbox id. A path leads through a process id, so it counts while its inode is the same."""

    def __init__(self) -> None:
        self._sides: dict[str, _Side] = {}

    def put(self, sandbox_id: str, netns: str, inode: int) -> None:
        """What is there now is right. Raises NetError if the namespace is gone."""
        with _opened(netns, inode) as netlink:
            self._sides[sandbox_id] = _Side(netns, inode, observe(netlink))

    def drop(self, sandbox_id: str) -> None:
        self._sides.pop(sandbox_id, None)

    def hurt(self, sandbox_id: str, events: Iterable[Event]) -> bool:
        """Whether `events` of its namespace contradict what is right; a pod's own devices do not."""
        side = self._sides.get(sandbox_id)
        if side is None:
            return False
        own = [one for one in events if isinstance(one, Lost) or _is_own(one.noun, side.right)]
        return bool(wounds(own, side.right))

    async def examine(self, sandbox_id: str, check: Check | None) -> Examined:
        """Looks, and treats what is found, as the plugins judge it.

        `check` is None where CHECK may not be called; then what was there before is right.
        """
        try:
            operations = self._wounds(sandbox_id)
            if not operations:
                return _WELL
            if check is not None and not await _complaint(check):
                side = self._sides[sandbox_id]
                self.put(sandbox_id, side.netns, side.inode)
                return _WELL
            return await self._treat(sandbox_id, operations, check)
        except (KeyError, NetError):  # it is on its way out
            return _WELL

    async def _treat(
        self, sandbox_id: str, operations: tuple[Operation, ...], check: Check | None
    ) -> Examined:
        """A device that is gone is made by those who made it: for a new sandbox."""
        found = [finding(one) for one in operations]
        anew = Examined(report([Finding(found[0].found, "a new sandbox")]), of_use=False)
        if any(map(_makes_device, operations)):
            return anew
        side = self._sides[sandbox_id]
        with _opened(side.netns, side.inode) as netlink:
            try:
                apply(netlink, operations)
            except NetError as error:
                _log.warning("sandbox %s: %s", sandbox_id, error.message)
                return anew
        complaint = await _complaint(check) if check is not None else ""
        if complaint:
            _log.warning("sandbox %s: %s", sandbox_id, complaint)
        return Examined(report(found), of_use=not complaint or not self._wounds(sandbox_id))

    def _wounds(self, sandbox_id: str) -> tuple[Operation, ...]:
        """What would make its side as it should be. Raises KeyError, NetError for one that is gone."""
        side = self._sides[sandbox_id]
        with _opened(side.netns, side.inode) as netlink:
            return diff(observe(netlink).select(lambda one: _is_own(one, side.right)), side.right)


async def _complaint(check: Check) -> str:
    try:
        await check()
    except CniError as error:
        return error.message
    return ""


def _is_own(noun: Noun, right: NetState) -> bool:
    """What is right, and what is on the same devices."""
    if noun.key in right.by_key:
        return True
    return not isinstance(noun, Link) and ("link", noun.interface) in right.by_key


def _makes_device(operation: Operation) -> bool:
    noun = operation.noun
    return operation == Create(noun) and isinstance(noun, Link) and noun.kind != "loopback"


@contextlib.contextmanager
def _opened(netns: str, inode: int) -> Iterator[Netlink]:
    try:
        descriptor = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NetError(f"open {netns}: {error.strerror}", error.errno or 0) from error
    try:
        if os.fstat(descriptor).st_ino != inode:
            raise NetError(f"{netns} is another namespace by now")
        with Netlink.at(descriptor) as netlink:
            yield netlink
    finally:
        os.close(descriptor)
