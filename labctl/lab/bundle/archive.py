"""The file itself: a tar of files that only their owner may read, with an index of what is in it."""

import io
import json
import os
import tarfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from labctl.api.objects import Obj

_PRIVATE = 0o600


class Archive:
    """A gzipped tar, there under its name when it is whole. All files are in the directory `top`."""

    def __init__(self, file: Path, top: str) -> None:
        """Raises OSError."""
        self.items: list[Obj] = []
        self._file = file
        self._top = top
        self._partial = file.with_name(f".{file.name}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._out = os.fdopen(os.open(self._partial, flags, _PRIVATE), "wb")
        self._tar = tarfile.open(fileobj=self._out, mode="w:gz")  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        try:
            self._tar.close()
            self._out.close()
            if kind is None:
                self._partial.rename(self._file)
        finally:
            self._partial.unlink(missing_ok=True)

    def add(self, path: str, content: bytes) -> None:
        self._write(path, content)
        self.items.append({"path": path, "bytes": len(content)})

    def miss(self, path: str, reason: str) -> None:
        """Notes what could not be had."""
        self.items.append({"path": path, "missing": reason})

    def add_index(self, head: Obj) -> None:
        """Last of all: what is there, and what is missing."""
        index = {**head, "items": self.items}
        self._write("index.json", json.dumps(index, indent=2).encode() + b"\n")

    def _write(self, path: str, content: bytes) -> None:
        member = tarfile.TarInfo(f"{self._top}/{path}")
        member.size, member.mode, member.mtime = len(content), _PRIVATE, int(time.time())
        self._tar.addfile(member, io.BytesIO(content))
