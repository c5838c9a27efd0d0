"""From a lab to the file: pieces are made one by one, cleaned of secrets, and counted."""

import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from labctl import __version__, names
from labctl.api.objects import Obj
from labctl.errors import LabError, NoSuchLab
from labctl.lab import state
from labctl.lab.bundle import objects
from labctl.lab.bundle.archive import Archive
from labctl.lab.bundle.pieces import pieces
from labctl.lab.bundle.redaction import secret_values
from labctl.lab.bundle.scrubbing import scrubber
from labctl.lab.bundle.sources import Sources

_FAILURES = (
    LabError,
    OSError,  # TimeoutError is one
    KeyError,
    ValueError,
    msgspec.MsgspecError,
    sqlite3.Error,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Summary:
    """What came of it: the file, and what is missing in it, a line each."""

    file: Path
    missing: tuple[str, ...]


def write_bundle(lab: str, file: Path) -> Summary:
    """Writes the bundle of a lab, up or not; raises NoSuchLab, and OSError for the file."""
    if lab not in state.traces():
        raise NoSuchLab(f"there is no lab {lab!r}", "labctl list")
    sources = _open(lab)
    clean = scrubber(_secrets(sources))
    with Archive(file, f"labctl-{lab}") as archive:
        for path, make in pieces(sources):
            try:
                archive.add(path, clean(make()))
            except _FAILURES as error:
                archive.miss(path, clean(_reason(error).encode()).decode(errors="replace"))
        archive.add_index(_head(lab))
        lost = (one for one in archive.items if "missing" in one)
        return Summary(file, tuple(f"{one['path']}: {one['missing']}" for one in lost))


def _open(lab: str) -> Sources:
    try:
        return Sources(lab, objects.from_api(lab))
    except _FAILURES as error:
        silent = f"the API does not answer: {_reason(error)}"
    try:
        return Sources(lab, objects.from_store(lab), f"{silent}; these are from the store's file")
    except _FAILURES as error:
        return Sources(lab, {}, f"{silent}; {_reason(error)}")


def _secrets(sources: Sources) -> Iterator[bytes]:
    for secret in sources.objects.get("secrets", ()):
        yield from secret_values(secret)
    for key in names.pki_dir(sources.lab).glob("*.key"):
        yield key.read_bytes()


def _reason(error: BaseException) -> str:
    if isinstance(error, LabError):
        return error.message
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _head(lab: str) -> Obj:
    return {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "SupportBundle",
        "lab": lab,
        "version": __version__,
        "createdAt": datetime.now(UTC).isoformat(timespec="seconds"),
    }
