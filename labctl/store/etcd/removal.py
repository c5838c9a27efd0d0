"""Taking a lab's keys out of an etcd that goes on without it."""

from labctl.store.etcd.cluster import Cluster
from labctl.store.etcd.connection import Connection
from labctl.store.etcd.keys import Keys


async def remove(cluster: Cluster, root: str, owner: str, patience: float) -> None:
    """Deletes all keys under `root`, if they are the owner's. Raises StoreError.

    Leases stay until their time is over, an hour at most; nothing hangs on them any more.
    """
    connection = Connection(cluster, patience)
    try:
        await connection.write("Txn", Keys(root, owner).remove())
    finally:
        await connection.close()
