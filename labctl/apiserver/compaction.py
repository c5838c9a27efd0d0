"""History is kept for five minutes, as kube-apiserver does with etcd; older watches begin anew."""

import asyncio
import logging

from labctl.store import Store

logger = logging.getLogger(__name__)

_INTERVAL = 300.0  # seconds


async def compact_for_ever(store: Store, interval: float = _INTERVAL) -> None:
    """Every `interval` seconds forgets what was history already at the last time."""
    while True:
        revision = await store.revision()
        await asyncio.sleep(interval)
        try:
            await store.compact(revision)
        except Exception:
            logger.exception("compaction to revision %d failed", revision)
