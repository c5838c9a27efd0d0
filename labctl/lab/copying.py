"""Copying files between this host and a container, by tar at both ends."""

import asyncio
import contextlib
import os
import posixpath
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from labctl import names
from labctl.api.objects import Obj, name, namespace
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.client.stream import Sink, exec_stream
from labctl.errors import BadInput, LabError
from labctl.lab.containers import choose
from labctl.lab.places import find_pod

_CHUNK = 1 << 16


def _drop(_data: bytes) -> None:
    """Nobody wants it."""


@dataclass(frozen=True)
class CopyPlace:
    """`pod` is the word for it, empty for this host."""

    pod: str
    path: str


def split_place(word: str) -> CopyPlace:
    """`POD:PATH`, or a path of this host; one with a colon in it is written ./a:b."""
    pod, colon, path = word.partition(":")
    if not colon or word.startswith(("/", "./", "../")):
        return CopyPlace("", word)
    if not pod or not path:
        raise BadInput(f"{word!r}: must be POD:PATH or a path")
    return CopyPlace(pod, path)


class Copier:
    """Copies to and from one container."""

    def __init__(self, transport: HttpTransport, pod: Obj, container: str) -> None:
        self._transport = transport
        self._pod = pod
        self._container = container

    @classmethod
    async def of(cls, client: Client, lab: str, word: str, space: str, container: str) -> Self:
        """Raises as `find_pod` and `choose` do."""
        pod = await find_pod(client, word, space)
        chosen, _ = choose(pod, container)
        return cls(HttpTransport.unix(names.api_socket(lab)), pod, chosen)

    async def close(self) -> None:
        await self._transport.close()

    async def upload(self, source: str, target: str) -> None:
        """From this host into the container. Raises BadInput or LabError."""
        if not os.path.lexists(source):
            raise BadInput(f"{source}: no such file or directory")
        final = target
        if target.endswith("/") or await self._run(["test", "-d", target]) == 0:
            final = posixpath.join(target, os.path.basename(os.path.abspath(source)))
        directory, at = posixpath.split(posixpath.normpath(final))
        command = ["tar", "-xmf", "-", "-C", directory or "."]
        async with contextlib.aclosing(_archive(source, at)) as chunks:
            await self._tar(command, chunks)

    async def download(self, source: str, target: str) -> None:
        """From the container to this host. Raises LabError."""
        directory, at = posixpath.split(posixpath.normpath(source))
        final = os.path.join(target, at) if os.path.isdir(target) else target
        parent = os.path.dirname(os.path.abspath(final))
        if not os.path.isdir(parent):
            raise BadInput(f"{parent}: no such directory")
        with tempfile.TemporaryDirectory(prefix=".labctl-cp-", dir=parent) as scratch:
            with _unpacking(scratch) as unpack:
                await self._tar(["tar", "-cf", "-", "-C", directory or ".", at], None, unpack)
            _place(os.path.join(scratch, at), final)

    async def _tar(
        self, command: Sequence[str], stdin: AsyncIterator[bytes] | None, stdout: Sink = _drop
    ) -> None:
        said = bytearray()
        code = await self._run(command, stdin, stdout, said.extend)
        if code == 127:
            raise LabError(f"container {self._container} has no tar")
        if code:
            words = said.decode(errors="replace").strip() or f"tar ended with {code}"
            raise LabError(words.splitlines()[0])

    async def _run(
        self,
        command: Sequence[str],
        stdin: AsyncIterator[bytes] | None = None,
        stdout: Sink = _drop,
        stderr: Sink = _drop,
    ) -> int:
        return await exec_stream(
            self._transport,
            namespace(self._pod),
            name(self._pod),
            self._container,
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )


@contextlib.contextmanager
def _unpacking(scratch: str) -> Iterator[Sink]:
    """Takes an archive for `scratch`. The host's tar takes no path that leads out of there.

    What is said to it waits for it, so that a slow disk slows the other end. Raises LabError.
    """
    words = ("tar", "-xf", "-", "--no-same-owner", "-C", scratch)
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=said) as local:
            pipe = local.stdin
            assert pipe is not None

            def unpack(data: bytes) -> None:
                pipe.write(data)

            yield unpack
        if local.returncode:
            said.seek(0)
            raise LabError(f"on this host: {said.readline().decode(errors='replace').strip()}")


async def _archive(source: str, at: str) -> AsyncGenerator[bytes, None]:
    """`source` as a tar archive in which it is called `at`, made by a thread as it is read."""
    read_end, write_end = os.pipe()
    writing = asyncio.create_task(asyncio.to_thread(_write_archive, write_end, source, at))
    try:
        while chunk := await asyncio.to_thread(os.read, read_end, _CHUNK):
            yield chunk
    finally:
        os.close(read_end)
        await writing


def _write_archive(descriptor: int, source: str, at: str) -> None:
    """Raises LabError for what cannot be read."""
    try:
        with (
            contextlib.suppress(BrokenPipeError),
            open(descriptor, "wb") as pipe,
            tarfile.open(fileobj=pipe, mode="w|") as archive,
        ):
            archive.add(source, arcname=at)
    except OSError as error:
        raise LabError(f"{error.filename}: {(error.strerror or str(error)).lower()}") from error


def _place(came: str, final: str) -> None:
    """As cp does it: what a directory holds goes into one that is there already."""
    words = ("cp", "-a", "--no-target-directory", came, final)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(done.stderr.strip().splitlines()[0])
