"""When an image that is not to be had is asked for again, and what a pod says until then.

As a kubelet does it: the attempt fails (ErrImagePull), and until the next one, after 10 s, 20 s … up
to 300 s or what the lab file says, the pod is told to wait (ImagePullBackOff). Kept in memory only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from labctl.cri.errors import IMAGE_NEVER_PULLED, IMAGE_NOT_PULLED, INVALID_IMAGE_NAME
from labctl.node.pods.crash_backoff import Delays
from labctl.node.pods.facts import Failure

BACKING_OFF = "ImagePullBackOff"
REASONS = frozenset({IMAGE_NEVER_PULLED, IMAGE_NOT_PULLED, INVALID_IMAGE_NAME, BACKING_OFF})

_ATTEMPT_SECONDS = 1.0  # for which a failed attempt is told, before the waiting is
_REFUSED_SECONDS = 10.0  # until one that needs no attempt is looked at again


@dataclass(frozen=True, slots=True)
class _Entry:
    delay: float
    until: float


class ImageBackoff:
    """By pod uid and image; all times are seconds since the epoch. `delays` is asked each time."""

    def __init__(self, delays: Callable[[], Delays] = Delays) -> None:
        self._delays = delays
        self._entries: dict[tuple[str, str], _Entry] = {}

    def failed(self, uid: str, image: str, reason: str, message: str, now: float) -> Failure:
        """What a container is told whose image is not to be had, for a reason of the runtime's."""
        if reason != IMAGE_NOT_PULLED:
            return Failure(reason, message, now + _REFUSED_SECONDS)
        delays, known = self._delays(), self._entries.get((uid, image))
        if known is not None and now < known.until:
            waiting = f'Back-off pulling image "{image}": {IMAGE_NOT_PULLED}: {message}'
            return Failure(BACKING_OFF, waiting, known.until)
        delay = delays.first if known is None else min(2 * known.delay, delays.longest)
        self._entries[uid, image] = _Entry(delay, now + delay)
        return Failure(reason, message, now + min(_ATTEMPT_SECONDS, delay / 2))

    def forget(self, uid: str) -> None:
        for key in [key for key in self._entries if key[0] == uid]:
            del self._entries[key]
