"""How many requests are worked on at once: more than that are told to come again (429).

As kube-apiserver without priority and fairness (filters/maxinflight.go): reads and writes are
counted apart; what lasts by its nature, watches and streams, is not; and neither are masters, who
must get through to mend a server that others keep busy. No user takes more than half of the places:
whoever fills theirs, with requests that are never sent to their end, leaves room for the others.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from labctl.api import status
from labctl.apiserver.request import Identity

READS, WRITES = 400, 200
_MASTERS = "system:masters"
_READING = frozenset({"get", "list", "head", "options"})
_LASTING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
_RETRY_SECONDS = 1


class InFlight:
    """The requests of one server that are being answered."""

    def __init__(self, reads: int = READS, writes: int = WRITES) -> None:
        self._free = {True: reads, False: writes}
        self._most = {True: max(reads // 2, 1), False: max(writes // 2, 1)}
        self._of_users: Counter[tuple[str, bool]] = Counter()

    @contextmanager
    def place(self, user: Identity, verb: str, subresource: str = "") -> Iterator[None]:
        """A place for a request, for as long as the context lasts; raises 429 if there is none."""
        if verb == "watch" or subresource in _LASTING or _MASTERS in user.groups:
            yield
            return
        reading = verb in _READING
        own = user.name, reading
        if self._free[reading] <= 0 or self._of_users[own] >= self._most[reading]:
            raise status.too_many_requests(
                "Too many requests, please try again later.", _RETRY_SECONDS
            )
        self._free[reading] -= 1
        self._of_users[own] += 1
        try:
            yield
        finally:
            self._free[reading] += 1
            self._of_users[own] -= 1
            if not self._of_users[own]:
                del self._of_users[own]
