"""Keys with a time to live: they hang on leases, which many keys share.

A lease is kept in memory by etcd and revoked by its leader, so kube-apiserver does not take one for
each Event, but hangs on one what was written within a minute (its leaseManager); so does this. A
key may outlive its time by as much.
"""

import asyncio
import math
from dataclasses import dataclass

from aetcd import rpc

from labctl.store.etcd.connection import Connection
from labctl.store.etcd.shared import look_at

_WINDOW = 60.0  # seconds in which a lease takes new keys, at most
_SHARE = 0.05  # of the time to live, for those that are short
_MOST = 1000  # keys that go at once, in one revision


@dataclass
class _Lease:
    number: "asyncio.Task[int]"
    until: float
    keys: int = 0


class Leases:
    """Finds a lease for a key, or has etcd grant one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._leases: dict[float, _Lease] = {}

    async def take(self, ttl: float) -> int:
        """The number of a lease that lasts for at least `ttl` seconds. Raises StoreError."""
        now = asyncio.get_running_loop().time()
        lease = self._leases.get(ttl)
        if lease is None or lease.until < now or lease.keys >= _MOST:
            window = min(_WINDOW, _SHARE * ttl)
            granted = asyncio.create_task(self._grant(math.ceil(ttl + window)))
            granted.add_done_callback(look_at)
            lease = self._leases[ttl] = _Lease(granted, now + window)
        lease.keys += 1
        try:
            return await asyncio.shield(lease.number)
        except Exception:
            self.forget(ttl)
            raise

    def forget(self, ttl: float) -> None:
        """No key gets the present lease for that time any more."""
        self._leases.pop(ttl, None)

    async def _grant(self, seconds: int) -> int:
        answer = await self._connection.write("LeaseGrant", rpc.LeaseGrantRequest(TTL=seconds))
        return int(answer.ID)
