"""Everything that a program can leave behind on a machine, a line each, on stdout.

A script of its own, which imports nothing of labctl: what it does not see, labctl's own inventory
shall not be able to hide. Only where nothing else goes on are two surveys comparable (machine.py).
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_COMMANDS = (
    "ip -o link",
    "ip address",
    "ip route show table all",
    "ip rule",
    "ip neighbor",
    "nft list ruleset",
    "ipcs",
)
_TREES = ("/run", "/var/lib", "/dev/shm")
_SOCKETS = ("tcp", "tcp6", "udp", "udp6", "raw", "packet", "unix")


def main() -> None:
    for source in (_processes, _mounts, _cgroups, _files, _sysctls, _sockets, _answers):
        for line in source():
            print(source.__name__.strip("_"), line)


def _processes() -> Iterator[str]:
    """Zombies too, and the namespaces that each holds."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            title = (entry / "cmdline").read_text(errors="replace")[:80]
            held = sorted(os.readlink(one) for one in (entry / "ns").iterdir())
        except OSError:
            continue
        yield f"{entry.name} {state == 'Z'} {title!r} {held}"


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield line.split(" ", 3)[3]  # not the ids, which are given anew


def _cgroups() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            yield from (at for at, _, _ in os.walk(line.split(" ")[4]))


def _files() -> Iterator[str]:
    for tree in _TREES:
        for at, directories, files in os.walk(tree):
            yield from (f"{at}/{name}" for name in (*directories, *files))


def _sysctls() -> Iterator[str]:
    for at, _, files in os.walk("/proc/sys/net"):
        for name in files:
            try:
                value = Path(at, name).read_text().strip()
            except OSError:  # write-only
                continue
            if name not in ("nf_conntrack_count", "nf_conntrack_buckets"):
                yield f"{at}/{name} {value}"


def _sockets() -> Iterator[str]:
    for family in _SOCKETS:
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            waiting = family.startswith("tcp") and fields[3] == "06"  # TIME_WAIT, of the kernel
            if not waiting:
                yield f"{family} {fields[1:4]} {fields[7:]}" if family == "unix" else line


def _answers() -> Iterator[str]:
    for command in _COMMANDS:
        said = subprocess.run(command.split(), capture_output=True, text=True, check=False)
        yield from (f"{command}: {line}" for line in said.stdout.splitlines())


if __name__ == "__main__":
    main()
