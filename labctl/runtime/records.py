"""What a runtime that comes after this one needs to know, one JSON file a sandbox.

Written by rename, so that a reader sees the old value or the new one, and not forced to disk: after
a crash of the machine there is nothing to adopt (the boot id in the record says so).
"""

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from labctl.cri.messages import Container, Sandbox
from labctl.runtime.processes import Identity

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    container: Container
    process: Identity | None = None  # while a program runs


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    boot_id: str
    sandbox: Sandbox
    pause: Identity
    pin: str
    containers: tuple[ContainerRecord, ...] = ()


_DECODER = msgspec.json.Decoder(SandboxRecord)
_ENCODER = msgspec.json.Encoder()


class Records:
    """The records of one lab, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, record: SandboxRecord) -> None:
        path = self._path(record.sandbox.id)
        fresh = path + ".new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, _ENCODER.encode(record))
        finally:
            os.close(descriptor)
        os.replace(fresh, path)

    def remove(self, sandbox_id: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(sandbox_id))

    def read_all(self) -> list[SandboxRecord]:
        """Every record that can be read; one that cannot is logged and left where it is."""
        records = []
        for path in sorted(Path(self._directory).glob("*.json")):
            try:
                records.append(_DECODER.decode(path.read_bytes()))
            except (OSError, msgspec.DecodeError) as error:
                log.warning("record %s: %s", path, error)
        return records

    def _path(self, sandbox_id: str) -> str:
        return f"{self._directory}/{sandbox_id}.json"
