"""What was attached, on disk: so that DEL can be called by an agent that did not call ADD.

A file each, written before ADD (without a result) and after it. An agent that died in between finds
a record without result, and calls DEL before it tries again.
"""

import os
from pathlib import Path
from typing import Any

import msgspec

from labctl.cni.config import Attachment

_SUFFIX = ".json"


class Record(msgspec.Struct, frozen=True):
    """An attachment, and the result of its ADD once there is one.

    `inode` is that of the network namespace, since the path leads through a process id.
    """

    attachment: Attachment
    inode: int = 0
    result: dict[str, Any] | None = None

    @property
    def container_id(self) -> str:
        return self.attachment.container_id


class Records:
    """Those of one node, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Record] = {}

    def load(self) -> None:
        """Reads what an earlier agent left; half a file is as none."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self._directory.glob(f"*{_SUFFIX}"):
            try:
                record = msgspec.json.decode(file.read_bytes(), type=Record)
            except msgspec.DecodeError:
                file.unlink()
            else:
                self._known[record.container_id] = record

    def all(self) -> list[Record]:
        return list(self._known.values())

    def get(self, container_id: str) -> Record | None:
        return self._known.get(container_id)

    def put(self, record: Record) -> None:
        file = self._file(record.container_id)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(record))
        os.replace(fresh, file)
        self._known[record.container_id] = record

    def remove(self, container_id: str) -> None:
        self._known.pop(container_id, None)
        self._file(container_id).unlink(missing_ok=True)

    def _file(self, container_id: str) -> Path:
        return self._directory / f"{container_id}{_SUFFIX}"
