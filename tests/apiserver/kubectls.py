"""The kubectls at hand, and one of them at work against a server of this process."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from labctl.controlplane.kubeconfig import kubeconfig
from tests.apiserver.https import Site
from tests.kubectl import programs

NEWEST = 1000


def kubectls() -> dict[int, Path]:
    """By minor version; PyPI's, the newest of all, stands at the end."""
    known = [one for one in (programs.oldest(), *programs.between()) if one is not None]
    found = {one.minor: one.path for one in known}
    newest = programs.newest()
    return found if newest is None else {**found, NEWEST: newest.path}


@dataclass(frozen=True)
class Kubectl:
    """A kubectl with a home of its own, as the admin of a listening server."""

    program: Path
    home: Path
    kubeconfig: Path

    @classmethod
    def of(cls, program: Path, site: Site, directory: Path) -> "Kubectl":
        config = directory / "kubeconfig"
        config.write_text(kubeconfig(site.pki, site.url))
        return cls(program, directory, config)

    async def run(self, *words: str, stdin: str = "", **environ: str) -> tuple[int, str]:
        """Exit code, and everything that was said; `environ` is added to the environment."""
        own = {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}
        process = await asyncio.create_subprocess_exec(
            self.program,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **own, **environ},
        )
        try:
            said, _ = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def ok(self, *words: str, stdin: str = "", **environ: str) -> str:
        """What was said; the command must succeed."""
        code, said = await self.run(*words, stdin=stdin, **environ)
        assert code == 0, f"kubectl {' '.join(words)}: {said}"
        return said
