"""Which Kubernetes a lab speaks: what `/version` answers and a Node's nodeInfo tells."""

import platform

from labctl import __version__
from labctl.api.objects import Obj

KUBERNETES_MAJOR = "1"
KUBERNETES_MINOR = "33"
KUBERNETES_VERSION = f"v{KUBERNETES_MAJOR}.{KUBERNETES_MINOR}.0"
GIT_VERSION = f"{KUBERNETES_VERSION}+labctl.{__version__}"


def version_info() -> Obj:
    """The body of `/version`; kubectl compares major and minor with its own."""
    return {
        "major": KUBERNETES_MAJOR,
        "minor": KUBERNETES_MINOR,
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{architecture()}",
    }


def architecture() -> str:
    """The machine's architecture in Go's words, which Kubernetes uses."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
