"""A container's program: its process and its streams."""

import contextlib
import signal
from dataclasses import dataclass

from labctl.runtime.processes import Exit, Process
from labctl.runtime.stdio import Stdio


@dataclass(frozen=True)
class Program:
    process: Process
    stdio: Stdio

    async def stop(self, timeout_seconds: float) -> Exit:
        """SIGTERM, a grace of `timeout_seconds`, SIGKILL.

        Its process is the first of a pid namespace: a SIGTERM for which it has no handler does
        nothing (pid_namespaces(7), and so it is under every container runtime), and with it, when
        it goes, all others in the namespace are killed.
        """
        if timeout_seconds > 0:
            self.process.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                return await self.process.wait(timeout_seconds)
        return await self.process.kill()
