"""The lab's processes, and what they and this machine are made of."""

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from labctl import __version__, names
from labctl.api.version import version_info
from labctl.lab import cgroup, doctor

_PROGRAMS = (
    ("nft", "--version"),
    ("ip", "-V"),
    ("catatonit", "--version"),
    ("etcd", "--version"),
    ("crun", "--version"),
)
_FIELDS = ("Name", "State", "PPid", "Threads", "VmRSS", "voluntary_ctxt_switches")
_TAIL = 1 << 20  # bytes of a log


def processes(lab: str) -> bytes:
    """Every process in the lab's cgroup: how it is, where it is accounted for, where it waits."""
    return "\n".join(
        "\n".join(_process(pid)) + "\n" for pid in sorted(cgroup.members(lab))
    ).encode()


def _process(pid: int) -> Iterator[str]:
    at = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        yield f"{pid} {at.joinpath('cmdline').read_text(errors='replace').replace(chr(0), ' ')}"
        for line in at.joinpath("status").read_text().splitlines():
            if line.partition(":")[0] in _FIELDS:
                yield f"  {line}"
        yield f"  descriptors: {len(os.listdir(at / 'fd'))}"
        yield f"  cgroups: {' '.join(at.joinpath('cgroup').read_text().split())}"
        yield f"  namespaces: {' '.join(os.readlink(one) for one in sorted(at.glob('ns/*')))}"
        yield f"  waits in: {at.joinpath('wchan').read_text()}"
        yield f"  stack: {' '.join(at.joinpath('stack').read_text().split())}"


def versions() -> bytes:
    """labctl, Python, kernel, libraries and programs."""
    uname = platform.uname()
    lines = [
        f"labctl {__version__} (Kubernetes API {version_info()['gitVersion']})",
        f"Python {sys.version}",
        f"{uname.system} {uname.release} {uname.version} {uname.machine}",
        *_system(),
        *map(_said, _PROGRAMS),
        *sorted(f"{one.name} {one.version}" for one in metadata.distributions()),
    ]
    return ("\n".join(lines) + "\n").encode()


def _system() -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield platform.freedesktop_os_release()["PRETTY_NAME"]
    yield f"{os.cpu_count()} CPUs"
    yield Path("/proc/meminfo").read_text().partition("\n")[0]


def _said(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    return f"{command[0]}: {(done.stdout or done.stderr).strip()}"


def diagnosis() -> bytes:
    """What `labctl doctor` says, without the lab that it would build."""
    return "".join(
        f"{check.state:8} {check.name}: {check.message}\n" for check in doctor.checks()
    ).encode()


def logs(lab: str) -> list[Path]:
    return sorted(names.log_dir(lab).glob("*"))


def tail(log: Path) -> bytes:
    """The end of a log, from the beginning of a line."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        text = file.read()
    return text if size <= _TAIL else b"(the beginning is left out)\n" + text.partition(b"\n")[2]
