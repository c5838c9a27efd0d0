"""How long a container that ended waits before it is started again (CrashLoopBackOff).

The first restart is immediate; the next waits 10 s after the end, then 20 s, 40 s … up to 300 s;
a container that then held for ten minutes starts over (kubelet: MaxContainerBackOff and
client-go's flowcontrol.Backoff). The lab file can say other times. Kept in memory only, as a
kubelet does.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delays:
    """The first one, and the longest, in seconds."""

    first: float = 10.0
    longest: float = 300.0


@dataclass(frozen=True, slots=True)
class _Entry:
    delay: float
    restarted_at: float


class CrashBackoff:
    """Delays by (pod uid, container name); all times are seconds since the epoch.

    `delays` is asked each time: the lab file may have changed.
    """

    def __init__(self, delays: Callable[[], Delays] = Delays) -> None:
        self._delays = delays
        self._entries: dict[tuple[str, str], _Entry] = {}

    def delay(self, uid: str, container: str, finished_at: float) -> float:
        """Seconds that must pass between `finished_at` and the next start."""
        entry = self._entries.get((uid, container))
        longest = self._delays().longest
        if entry is None or finished_at - entry.restarted_at > 2 * longest:
            return 0.0
        return min(entry.delay, longest)

    def restarted(self, uid: str, container: str, finished_at: float, now: float) -> None:
        """Note a restart after an end at `finished_at`; the next one will wait longer."""
        previous = self.delay(uid, container, finished_at)
        delays = self._delays()
        delay = min(previous * 2, delays.longest) if previous else delays.first
        self._entries[uid, container] = _Entry(delay, now)

    def forget(self, uid: str) -> None:
        for key in [key for key in self._entries if key[0] == uid]:
            del self._entries[key]
