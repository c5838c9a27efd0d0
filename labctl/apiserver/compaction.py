"""History is kept for five minutes, as kube-apiserver does with etcd; older watches begin anew."""

import asyncio
import logging

from labctl.store import Store

logger = logging.getLogger(__name__)

_INTERVAL = 300.0  # seconds


async def compact_for_ever(store: Store, interval: float = _INTERVAL) -> None:
    """Every `interval` seconds forgets what was history already at the last time.

    Several API servers on one store may all do so: none forgets what is younger than that.
    """
    revision = 0
    while True:
        try:
            await store.compact(revision)
            revision = await store.revision()
        except Exception:
            logger.exception("compaction to revision %d failed", revision)
        await asyncio.sleep(interval)
