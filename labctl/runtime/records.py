"""What a runtime that comes after this one needs to know: a journal of JSON lines.

Each change is one short append, whose cost does not grow with what is there, and no file is made for
a sandbox: a new inode is dearer than all else that is written of it. Read back, the last line on a
thing holds, and one that was cut off by a crash is not there: the next begins with the line's end.
Once most of the journal holds no longer it is written anew.
Nothing is forced to disk: after a crash of the machine there is nothing to adopt, and the boot id
says so.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from labctl.cri.messages import Container, Sandbox
from labctl.runtime.processes import Identity

log = logging.getLogger(__name__)

_SMALL = 4 << 20  # bytes of which nobody minds how much still holds: 2,000 pods
_GROWTH = 4


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


@dataclass(slots=True)
class PodRecord:
    """All that is known of one sandbox; containers by their ids."""

    sandbox: SandboxRecord
    containers: dict[str, ContainerRecord] = field(default_factory=dict)


class _Entry(msgspec.Struct, omit_defaults=True):
    """One line: one of the first two, or the id of a sandbox that went, or of a container in it."""

    sandbox: SandboxRecord | None = None
    container: ContainerRecord | None = None
    sandbox_id: str = ""
    container_id: str = ""


_DECODER = msgspec.json.Decoder(_Entry)
_ENCODER = msgspec.json.Encoder()


class Records:
    """The journal of one lab, at `path`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._open()

    def _open(self) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
        self._limit = max(_SMALL, _GROWTH * self._size)

    def close(self) -> None:
        os.close(self._file)

    def sandbox_changed(self, record: SandboxRecord) -> None:
        self._append(_Entry(sandbox=record))

    def container_changed(self, record: ContainerRecord) -> None:
        self._append(_Entry(container=record))

    def container_removed(self, sandbox_id: str, container_id: str) -> None:
        self._append(_Entry(sandbox_id=sandbox_id, container_id=container_id))

    def remove(self, sandbox_id: str) -> None:
        self._append(_Entry(sandbox_id=sandbox_id))

    def read(self) -> list[PodRecord]:
        return read_records(self._path)

    def _append(self, entry: _Entry) -> None:
        self._size += os.write(self._file, _line(entry))
        if self._size > self._limit:
            self._write_anew()

    def _write_anew(self) -> None:
        """With what holds, and in place of what there was, once it is whole."""
        self._limit = _GROWTH * self._size
        new = self._path.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.writelines(map(_line, _entries(self.read())))
            os.replace(new, self._path)
        except OSError as error:
            log.warning("record %s: %s", new, error.strerror)
        else:
            self.close()
            self._open()


def read_records(path: Path) -> list[PodRecord]:
    """What a journal comes to."""
    return list(_replay(_read(path)).values())


def _line(entry: _Entry) -> bytes:
    return b"\n" + _ENCODER.encode(entry)


def _entries(records: list[PodRecord]) -> Iterator[_Entry]:
    for record in records:
        yield _Entry(sandbox=record.sandbox)
        yield from (_Entry(container=one) for one in record.containers.values())


def _read(path: Path) -> Iterator[_Entry]:
    """Line by line: what a whole journal takes for a moment, the heap keeps for good."""
    with path.open("rb") as file:
        for line in file:
            try:
                if line.strip():
                    yield _DECODER.decode(line)
            except msgspec.DecodeError as error:
                log.warning("record %s: %s", path, error)


def _replay(entries: Iterator[_Entry]) -> dict[str, PodRecord]:
    pods: dict[str, PodRecord] = {}
    for entry in entries:
        if entry.sandbox is not None:
            at = entry.sandbox.sandbox.id
            pods[at] = PodRecord(entry.sandbox, pods[at].containers if at in pods else {})
        elif entry.container is not None:
            container = entry.container.container
            if container.sandbox_id in pods:
                pods[container.sandbox_id].containers[container.id] = entry.container
        elif entry.container_id and entry.sandbox_id in pods:
            pods[entry.sandbox_id].containers.pop(entry.container_id, None)
        elif not entry.container_id:
            pods.pop(entry.sandbox_id, None)
    return pods
