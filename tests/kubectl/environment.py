"""The environment of a user who has `kubectl` on PATH, and only KUBECONFIG to say where the lab is."""

import os
import subprocess
from pathlib import Path

from tests.command import Labctl
from tests.kubectl.programs import Program


def environment(program: Program, labctl: Labctl, home: Path, namespace: str) -> dict[str, str]:
    """Makes a HOME without a past in `home`, and a kubeconfig whose context is `namespace`."""
    binaries = home / "bin"
    binaries.mkdir(parents=True)
    (binaries / "kubectl").symlink_to(program.path)
    config = home / "config"
    config.write_text(labctl.ok("kubeconfig"))
    made = {
        "HOME": str(home),
        "KUBECONFIG": str(config),
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    words = ("config", "set-context", "--current", f"--namespace={namespace}")
    subprocess.run((program.path, *words), env=made, check=True, capture_output=True)
    return made
