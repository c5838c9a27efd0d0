"""A container: created → running → exited, with a program or a stand-in as its body."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from labctl.cri.errors import FAILED_PRECONDITION, CriError
from labctl.cri.messages import Attach, Container, EventKind, Port
from labctl.errors import NetError
from labctl.runtime.attachment import Attachment
from labctl.runtime.crun.calls import Bundle
from labctl.runtime.crun.program import Created, create_program
from labctl.runtime.last_words import LastWords
from labctl.runtime.launch import Launched
from labctl.runtime.logs import STREAMS, LogFile
from labctl.runtime.machine import Machine
from labctl.runtime.processes import Exit, Identity, Process
from labctl.runtime.program import Program, start_program
from labctl.runtime.records import ContainerRecord
from labctl.runtime.sandbox import LiveSandbox
from labctl.runtime.standin.server import StandIn
from labctl.runtime.stdio import Stdio, audiences

_START_ERROR = 128  # containerd's exit code, with its word, for what was never executed


class LiveContainer:
    """`value` is what clients see of it; `changed` is called after each change of it, with the event
    that it is to all but the client who asked for it.

    `peer` finds the process with which it shares its pid namespace, by the name of its target.
    """

    def __init__(
        self,
        machine: Machine,
        sandbox: LiveSandbox,
        value: Container,
        changed: Callable[["LiveContainer", EventKind | None], None],
        peer: Callable[[str], int | None],
    ) -> None:
        self._machine = machine
        self._sandbox = sandbox
        self._changed = changed
        self._peer = peer
        self._starting: asyncio.Event | None = None
        self._audiences = audiences(value.config)
        self._bundle = self._own_bundle(value)
        self.value = value
        self.program: Program | None = None
        self.stand_in: StandIn | None = None
        self.shared_root: int | None = None  # the root of what is executed beside a stand-in

    def _own_bundle(self, value: Container) -> Bundle | None:
        """For crun, if it shall run what is in the image."""
        by_crun = self._sandbox.config.handler and value.image is not None
        return Bundle(self._machine.bundles, value.id) if by_crun else None

    @property
    def id(self) -> str:
        return self.value.id

    def record(self) -> ContainerRecord:
        identity = self.program.process.identity if self.program else None
        return ContainerRecord(self.value, identity)

    async def start(self) -> Container:
        """Raises CriError; the container is then exited with the code that says why."""
        if self.value.state == "running":
            return self.value
        if self.value.state == "exited" or self._starting:
            raise CriError(f"container {self.id} was started before", FAILED_PRECONDITION)
        self._starting = asyncio.Event()
        try:
            await self._start_body()
        except (CriError, NetError) as error:
            self._cannot_run(error)
            raise
        finally:
            self._starting.set()
            self._starting = None
        return self.value

    async def _start_body(self) -> None:
        if self.value.stand_in:
            self._open_stand_in()
            self._runs(0)
            return
        program, made = await self._make_program()
        self.program = program
        self._changed(self, None)  # on record before it may go on
        try:
            master = await made.executed()
        except CriError:
            self.program = None
            program.stdio.finish()
            raise
        program.stdio.started(master)
        self._runs(program.process.pid)
        program.process.exited.add_done_callback(self._program_exited)

    async def _make_program(self) -> tuple[Program, Launched | Created]:
        machine, sandbox, config = self._machine, self._sandbox, self.value.config
        stdio, last_words = self._stdio(), self._last_words()
        try:
            peer = self._peer(config.target)
            if self._bundle is None:
                return start_program(machine, sandbox, config, stdio, last_words, peer)
            return await create_program(
                machine, sandbox, self._bundle, config, stdio, last_words, peer
            )
        except BaseException:
            stdio.finish()
            raise

    def _stdio(self) -> Stdio:
        return Stdio(
            self._machine.streams, self.id, self.value.config, self._audiences, self._log_fails
        )

    def _log_fails(self, why: str) -> None:
        """Its log cannot be written, or can again if `why` is empty; it goes on either way."""
        self.value = replace(self.value, log_error=why)
        if self.value.state == "running":
            self._changed(self, "container-changed")

    def _last_words(self) -> LastWords:
        return LastWords(self._machine.messages, self.id, self.value.config)

    def _open_stand_in(self) -> None:
        """Its log is made with its first line: most stand-ins are never asked anything."""
        log = LogFile(self.value.config.log_path, failing=self._log_fails)
        audience = self._audiences["stdout"]

        def note(line: str) -> None:
            log.write_line(line)
            audience.hear(f"{line}\n".encode())

        place = self._sandbox.namespaces()
        self.stand_in = StandIn(place, self._ports(), self._facts(), note)

    def _ports(self) -> list[Port]:
        config = self.value.config
        wanted = [*config.ports, *(Port(number) for number in config.probe_ports)]
        return [port for port in dict.fromkeys(wanted) if port.protocol != "SCTP"]

    def _facts(self) -> dict[str, Any]:
        pod = self._sandbox.config
        return {
            "pod": pod.name,
            "namespace": pod.namespace,
            "node": pod.node,
            "podIP": pod.ip,
            "container": self.value.config.name,
        }

    async def stop(self, timeout_seconds: float) -> Container:
        """A stand-in stops at once: grace is for processes. What does not run is left as it is."""
        self.close_stand_in(0)
        if self.program is None and self._starting is not None:
            await self._starting.wait()  # crun is at it, and has it whole or not at all
        if self.program is not None:
            await self.program.stop(timeout_seconds)
        return self.value

    async def kill(self) -> None:
        await self.stop(0)

    def drop_group(self) -> None:
        """Removes its cgroup; a stand-in never had one."""
        if not self.value.stand_in:
            self._sandbox.group(self.value.config).remove()

    def attach(self, request: Attach, descriptors: Sequence[int]) -> Attachment:
        """Joins what it says, into `descriptors`; raises CriError unless it runs."""
        if self.value.state != "running":
            raise CriError(f"container {self.id} is not running", FAILED_PRECONDITION)
        streams = zip(STREAMS, descriptors, strict=True)
        listeners = tuple(
            self._audiences[stream].join(descriptor, unheard=request.unheard)
            for stream, descriptor in streams
        )
        config, stdio = self.value.config, self.program.stdio if self.program else None
        if stdio is None:
            return Attachment(listeners)
        if config.tty:
            return Attachment(listeners, stdio.terminal_for_client(), terminal=True, stays=True)
        stays = not config.stdin_once
        return Attachment(
            listeners, stdio.stdin_for_client() if request.stdin else None, stays=stays
        )

    def keep_root(self, root: int) -> None:
        """Takes the descriptor over: files are found again for as long as the stand-in lives."""
        if self.stand_in is None or self.shared_root is not None:
            os.close(root)
        else:
            self.shared_root = root

    def _drop_root(self) -> None:
        if self.shared_root is not None:
            os.close(self.shared_root)
            self.shared_root = None

    def close_stand_in(self, code: int) -> None:
        if self.stand_in is not None:
            self.stand_in.close()
            self.stand_in = None
            self._drop_root()
            for audience in self._audiences.values():
                audience.end()
            self._ended(Exit(code))

    def adopt(self, identity: Identity | None) -> None:
        """Takes up a container that ran under an earlier runtime."""
        if self.value.state == "exited":
            return
        if self.value.stand_in:
            self._adopt_stand_in()
        elif identity is not None:
            self._adopt_program(identity)
        elif self._bundle is not None:
            self._bundle.delete()  # perhaps it was just being created

    def _adopt_stand_in(self) -> None:
        if self.value.state != "running":
            return
        try:
            self._open_stand_in()
        except (CriError, NetError) as error:
            self._exit(137, 0, "Error", error.message)

    def _adopt_program(self, identity: Identity) -> None:
        stdio = self._stdio()
        process = Process.adopt(identity)
        if process is None:
            stdio.finish()
            self._ended(Exit(137, known=False), message=self._last_words().take(failed=True))
            return
        stdio.adopted(process)
        config = self.value.config
        group = self._sandbox.group(config)
        self.program = Program(
            process, stdio, group, self._last_words(), config.stop_signal, self._bundle
        )
        if self.value.state == "created":  # the runtime died between its go and its record
            self._runs(process.pid)
            if self._bundle is not None:  # or before its go, which for crun is not to be known
                process.signal(signal.SIGKILL)
        process.exited.add_done_callback(self._program_exited)

    def release(self) -> None:
        """Lets go of it; the program goes on."""
        if self.program is not None:
            self.program.process.release()
            self.program.stdio.release()
        if self.stand_in is not None:
            self.stand_in.close()
        self._drop_root()

    def _runs(self, pid: int) -> None:
        self.value = replace(self.value, state="running", pid=pid, started_at=time.time())
        self._changed(self, None)

    def _program_exited(self, exited: "asyncio.Future[Exit]") -> None:
        if exited.cancelled() or self.program is None:
            return
        how = exited.result()
        starved, words = self.program.wind_up(how)
        self.program = None
        self._ended(how, starved=starved, message=words)

    def _ended(self, how: Exit, *, starved: bool = False, message: str = "") -> None:
        reason = "Completed" if how.code == 0 else "Error"
        if starved:
            reason = "OOMKilled"
        if not how.known:
            reason = "ContainerStatusUnknown"
            message = message or "It ended while nobody could see how."
        self._exit(how.code, how.signal, reason, message)

    def _cannot_run(self, error: CriError | NetError) -> None:
        self._exit(_START_ERROR, 0, "StartError", error.message)

    def _exit(self, code: int, number: int, reason: str, message: str) -> None:
        self.value = replace(
            self.value,
            state="exited",
            pid=0,
            exit_code=code,
            signal=number,
            reason=reason,
            message=message,
            finished_at=time.time(),
        )
        self._changed(self, "container-exited")
