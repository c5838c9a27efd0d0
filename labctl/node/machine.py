"""What a node tells of the machine it runs on. All nodes of a lab share one machine."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from labctl import __version__
from labctl.api.version import GIT_VERSION, architecture

PODS = 500  # Kubernetes' own default is 110; a bridge takes 1,023 ports
EPHEMERAL_STORAGE = "10Gi"


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts for a Node's status."""

    cpus: int
    memory_kib: int
    machine_id: str
    boot_id: str
    kernel: str
    os_image: str
    architecture: str
    kubelet_version: str
    runtime_version: str

    @classmethod
    def here(cls) -> "Machine":
        return cls(
            cpus=os.cpu_count() or 1,
            memory_kib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024,
            machine_id=_first_line("/etc/machine-id"),
            boot_id=_first_line("/proc/sys/kernel/random/boot_id"),
            kernel=platform.release(),
            os_image=_os_image(),
            architecture=architecture(),
            kubelet_version=GIT_VERSION,
            runtime_version=f"labctl://{__version__}",
        )


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().partition("\n")[0]
    except OSError:
        return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
