"""What kubectl costs by itself: the same exchange, against a server that only has ready answers.

First a proxy listens to one `kubectl apply` and keeps every answer; then, in a process of its own, it
gives those answers without asking anybody. The rest of kubectl's time is its start and its TLS.
"""

import asyncio
import contextlib
import multiprocessing
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from benchmarks.cores import pinned
from benchmarks.lean import client_context
from benchmarks.pods import deployment

_RUNS = 5  # of each run of the measure
_PASSED = ("Content-Type", "ETag", "Cache-Control", "Warning")

Answers = dict[tuple[str, str], tuple[int, dict[str, str], bytes]]


@dataclass
class Server:
    """Answers from `answers`; what is not there is asked of `origin`, if there is one."""

    pki: Path
    origin: str = ""
    answers: Answers = field(default_factory=dict)

    async def serve(self, port: "multiprocessing.connection.Connection") -> None:
        """Says its port through `port`; after any word from there it says its answers, and ends."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.pki / "apiserver.crt", self.pki / "apiserver.key")
        runner = web.ServerRunner(web.Server(self._answer, access_log=None))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port.send(runner.addresses[0][1])
        await asyncio.to_thread(port.recv)
        port.send(self.answers)
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        key = (request.method, request.path_qs)
        if key not in self.answers:
            self.answers[key] = await self._ask(request)
        code, headers, body = self.answers[key]
        return web.Response(status=code, headers=headers, body=body)

    async def _ask(self, request: web.BaseRequest) -> tuple[int, dict[str, str], bytes]:
        names = ("Accept", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                self.origin + request.path_qs,
                headers=headers,
                data=await request.read(),
                ssl=client_context(self.pki),
            ) as answer,
        ):
            kept = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
            return answer.status, kept, await answer.read()


@contextlib.contextmanager
def running(server: Server, core: int) -> Iterator[tuple[str, Answers]]:
    """The server in a process of its own on a core; its URL, and at the end what it has learned."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_run, args=(server, theirs, core))
    process.start()
    learned: Answers = {}
    try:
        yield f"https://127.0.0.1:{ours.recv()}", learned
    finally:
        ours.send("end")
        learned.update(ours.recv())
        process.join()


def _run(server: Server, port: "multiprocessing.connection.Connection", core: int) -> None:
    with pinned(core):
        asyncio.run(server.serve(port))


def applies(kubectl: str, kubeconfig: str, url: str, pki: Path) -> tuple[list[float], list[float]]:
    """Seconds of `kubectl apply` of a new Deployment, here and against ready answers, in turns."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        manifest = home / "web.json"
        manifest.write_bytes(msgspec.json.encode(deployment("applied", 0)))
        client = _Kubectl(kubectl, home, manifest)
        here = client.config("here", kubeconfig)
        with running(Server(pki, url), 0) as (proxy, learned):
            client.apply(client.config("proxy", kubeconfig.replace(url, proxy)))
        client.delete(here)
        with running(Server(pki, answers=learned), 0) as (ready, _):
            there = client.config("there", kubeconfig.replace(url, ready))
            took: dict[Path, list[float]] = {here: [], there: []}
            for _ in range(_RUNS):
                for config, seconds in took.items():
                    seconds.append(client.apply(config))
                client.delete(here)
    return took[here], took[there]


@dataclass(frozen=True)
class _Kubectl:
    program: str
    home: Path
    manifest: Path

    def config(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def apply(self, config: Path) -> float:
        started = time.perf_counter()
        self._run(config, "apply", "-f", str(self.manifest))
        return time.perf_counter() - started

    def delete(self, config: Path) -> None:
        self._run(config, "delete", "-f", str(self.manifest))

    def _run(self, config: Path, *words: str) -> None:
        environment = {"HOME": str(self.home), "KUBECONFIG": str(config), "PATH": "/usr/bin:/bin"}
        subprocess.run([self.program, *words], env=environment, check=True, capture_output=True)
