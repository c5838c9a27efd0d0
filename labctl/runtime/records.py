"""What a runtime that comes after this one needs to know: a journal of JSON lines for each sandbox.

Each change is one short append, whose cost does not grow with the sandbox (a file replaced by rename
would cost ext4 a flush each time). Read back, the last line on a thing holds, and one that was cut
off by a crash is not there. Nothing is forced to disk: after a crash of the machine there is nothing
to adopt, and the boot id says so.
"""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from labctl.cri.messages import Container, Sandbox
from labctl.runtime.processes import Identity

log = logging.getLogger(__name__)

_SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    boot_id: str
    sandbox: Sandbox
    pause: Identity
    pin: str


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    container: Container
    process: Identity | None = None  # while a program runs


@dataclass(frozen=True, slots=True)
class PodRecord:
    """All that is known of one sandbox, its journal read to the end."""

    sandbox: SandboxRecord
    containers: tuple[ContainerRecord, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line: one of the three."""

    sandbox: SandboxRecord | None = None
    container: ContainerRecord | None = None
    removed: str = ""  # a container's id


_DECODER = msgspec.json.Decoder(_Entry)
_ENCODER = msgspec.json.Encoder()


class Records:
    """The journals of one lab, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, record: SandboxRecord) -> None:
        """Begins a sandbox's journal."""
        self._append(record.sandbox.id, {"sandbox": record}, os.O_CREAT | os.O_TRUNC)

    def sandbox_changed(self, record: SandboxRecord) -> None:
        self._append(record.sandbox.id, {"sandbox": record})

    def container_changed(self, record: ContainerRecord) -> None:
        self._append(record.container.sandbox_id, {"container": record})

    def container_removed(self, sandbox_id: str, container_id: str) -> None:
        self._append(sandbox_id, {"removed": container_id})

    def remove(self, sandbox_id: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(sandbox_id))

    def read_all(self) -> list[PodRecord]:
        """What every journal comes to; one that tells of no sandbox is removed."""
        records = []
        for path in sorted(self._directory.glob(f"*{_SUFFIX}")):
            record = _replay(_read(path))
            if record is None:
                path.unlink()
            else:
                records.append(record)
        return records

    def _append(self, sandbox_id: str, entry: dict[str, object], flags: int = 0) -> None:
        line = _ENCODER.encode(entry) + b"\n"
        flags |= os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            descriptor = os.open(self._path(sandbox_id), flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def _path(self, sandbox_id: str) -> str:
        return f"{self._directory}/{sandbox_id}{_SUFFIX}"


def _read(path: Path) -> Iterator[_Entry]:
    for line in path.read_bytes().splitlines():
        try:
            yield _DECODER.decode(line)
        except msgspec.DecodeError as error:
            log.warning("record %s: %s", path, error)


def _replay(entries: Iterator[_Entry]) -> PodRecord | None:
    sandbox: SandboxRecord | None = None
    containers: dict[str, ContainerRecord] = {}
    for entry in entries:
        sandbox = entry.sandbox or sandbox
        if entry.container is not None:
            containers[entry.container.container.id] = entry.container
        containers.pop(entry.removed, None)
    return PodRecord(sandbox, tuple(containers.values())) if sandbox else None
