"""What a container says of its end: a file that it may write into, else the end of its log.

Kubernetes' terminationMessagePath and terminationMessagePolicy, with the kubelet's measures.
"""

import contextlib
import os
from pathlib import Path

from labctl.cri.messages import ContainerConfig, Mount

_MESSAGE_MAX = 4096  # bytes
_LOG_MAX, _LOG_LINES = 2048, 80


class LastWords:
    """Of one container, in a file of `directory` named by its id."""

    def __init__(self, directory: Path, container_id: str, config: ContainerConfig) -> None:
        self._path = f"{directory}/{container_id}"
        self._config = config

    def mounts(self) -> tuple[Mount, ...]:
        """What the container needs to be able to say something; raises OSError."""
        if not self._config.message_path:
            return ()
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(self._path, flags)
        os.fchmod(descriptor, 0o666)  # whoever the container runs as
        os.close(descriptor)
        return (Mount(self._path, self._config.message_path),)

    def take(self, *, failed: bool) -> str:
        """What it said, once it has ended; nothing is left of it."""
        said = _read(self._path, _MESSAGE_MAX) if self._config.message_path else b""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        if not said and failed and self._config.message_from_log:
            said = log_tail(_read_end(self._config.log_path))
        return said.decode(errors="replace")


def log_tail(lines: bytes) -> bytes:
    """The texts of the last log lines, as many as a message has room for."""
    texts = [line.split(b" ", 3)[3:] for line in lines.splitlines()[-_LOG_LINES:]]
    return b"\n".join(text[0] for text in texts if text)[-_LOG_MAX:]


def _read(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def _read_end(path: str) -> bytes:
    """Whole lines from the end of a log: as many as can matter, each with its stamp."""
    room = _LOG_MAX + _LOG_LINES * 64
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - room))
            data = file.read()
    except OSError:
        return b""
    return data if size <= room else data.partition(b"\n")[2]
