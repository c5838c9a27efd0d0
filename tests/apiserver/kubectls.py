"""The kubectls at hand, and one of them at work against a server of this process."""

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from labctl.controlplane.kubeconfig import kubeconfig
from tests.apiserver.https import Site

_BIN = Path(sys.executable).parent
_PLACES = (_BIN.with_name("kubectl"), _BIN, Path("/usr/lib/google-cloud-sdk/bin"))
_NAME = re.compile(r"kubectl(?:[.-]1\.(\d+))?")
NEWEST = 1000


def kubectls() -> dict[int, Path]:
    """By minor version: the one that tools/kubectl.sh unpacked, PyPI's, those of the Cloud SDK.

    PyPI's is the newest of all and its version is not asked for.
    """
    found: dict[int, Path] = {}
    for path in (one for place in _PLACES if place.is_dir() for one in place.glob("kubectl*")):
        name = _NAME.fullmatch(path.name)
        if name and (name[1] or path.parent == _BIN):
            found.setdefault(int(name[1] or NEWEST), path)
    return dict(sorted(found.items()))


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
