"""How a lab's keys are laid out in an etcd, and the requests that read and write them.

    /labctl/LAB/registry/core/pods/default/web    an object
    /labctl/LAB/revision                          written with every object, in the same transaction
    /labctl/LAB/compaction                        the revision of the last compaction

etcd counts revisions for all its users, so what its answers carry says nothing of this lab. The key
`revision` does: where it was modified last is the newest write to this lab, which a watch of the
lab's objects will show, however busy others are. Its value names the owner: another lab of the same
name, from another machine, is not mistaken for this one.
"""

from dataclasses import dataclass
from typing import Any

from aetcd import rpc

from labctl.store import KeyValue


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one lab; `root` begins and ends with a slash."""

    root: str
    owner: str

    @property
    def marker(self) -> bytes:
        return f"{self.root}revision".encode()

    @property
    def compaction(self) -> bytes:
        return f"{self.root}compaction".encode()

    def stored(self, key: str) -> bytes:
        return f"{self.root}registry{key}".encode()

    def plain(self, stored: bytes) -> str:
        return stored.decode()[len(self.root) + len("registry") :]

    def read(self, raw: Any) -> KeyValue:
        """A key as etcd answers it, as the store does."""
        return KeyValue(self.plain(raw.key), raw.value, raw.mod_revision, raw.create_revision)

    def page(self, prefix: str, after: str, limit: int, revision: int) -> Any:
        """A Range of the keys that begin with `prefix`, behind `after`; 0 is the newest."""
        low = self.stored(after) + b"\0" if after else b""
        first = self.stored(prefix)
        return rpc.RangeRequest(
            key=max(low, first), range_end=end_of(first), limit=limit, revision=revision
        )

    def swap(self, key: str, expect: int, value: bytes | None, lease: int) -> Any:
        """A Txn that writes a key that is at revision `expect`, and else answers with the key."""
        stored = self.stored(key)
        if value is None:
            change = rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=stored))
        else:
            change = _put(stored, value, lease)
        return _compare_and(stored, expect, [change, _put(self.marker, self.owner.encode())])

    def claim_compaction(self, expect: int, revision: int) -> Any:
        """A Txn that succeeds for one of several servers that last saw the same compaction."""
        put = _put(self.compaction, str(revision).encode())
        return _compare_and(self.compaction, expect, [put])

    def claim(self) -> Any:
        """A Txn that takes the prefix for its owner, and else answers with whose it is."""
        return _compare_and(self.marker, 0, [_put(self.marker, self.owner.encode())])

    def remove(self) -> Any:
        """A Txn that deletes all of the owner's, and nothing of another's."""
        mine = rpc.Compare(
            result=rpc.Compare.EQUAL,
            target=rpc.Compare.VALUE,
            key=self.marker,
            value=self.owner.encode(),
        )
        root = self.root.encode()
        everything = rpc.DeleteRangeRequest(key=root, range_end=end_of(root))
        return rpc.TxnRequest(
            compare=[mine], success=[rpc.RequestOp(request_delete_range=everything)]
        )


def get(key: bytes) -> Any:
    """A Range of one key."""
    return rpc.RangeRequest(key=key)


def end_of(prefix: bytes) -> bytes:
    """The first key behind all that begin with a prefix; it ends in ASCII, never in 0xff."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def _put(key: bytes, value: bytes, lease: int = 0) -> Any:
    return rpc.RequestOp(request_put=rpc.PutRequest(key=key, value=value, lease=lease))


def _compare_and(key: bytes, expect: int, success: list[Any]) -> Any:
    unchanged = rpc.Compare(
        result=rpc.Compare.EQUAL, target=rpc.Compare.MOD, key=key, mod_revision=expect
    )
    failure = [rpc.RequestOp(request_range=get(key))]
    return rpc.TxnRequest(compare=[unchanged], success=success, failure=failure)
