"""Everything that a program can leave behind on a machine, a line each, on stdout.

A script of its own, which imports nothing of labctl: what it does not see, labctl's own inventory
shall not be able to hide. Only where nothing else goes on are two surveys comparable (machine.py).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_COMMANDS = (
    "ip -o link",
    "ip address",
    "ip route show table all",
    "ip rule",
    "ip -6 rule",
    "ip neighbor",
    "ip netns list-id",
    "bridge fdb",
    "tc qdisc",
    "nft list ruleset",
    "ipcs",
)
_TREES = ("/run", "/var/lib", "/dev/shm")
_RESOLVER = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/netns")
_LEGACY = ("ip", "ip6", "arp")  # tables of iptables before nftables
_SOCKETS = (
    *("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6"),
    *("packet", "netlink", "unix"),
)
_NAMESPACES = ("net:", "mnt:", "ipc:", "uts:", "pid:", "cgroup:")


def main() -> None:
    """Of the kinds named as arguments, or all."""
    sources = (_processes, _mounts, _cgroups, _files, _sysctls, _sockets, _answers, _settings)
    wanted = sys.argv[1:]
    for source in sources:
        if wanted and source.__name__.strip("_") not in wanted:
            continue
        for line in source():
            print(source.__name__.strip("_"), line)


def _processes() -> Iterator[str]:
    """Zombies too, and the namespaces that each is in or has open."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            title = (entry / "cmdline").read_text(errors="replace")[:80]
            held = sorted(os.readlink(one) for one in (entry / "ns").iterdir())
            held += sorted(_open_namespaces(entry))
        except OSError:
            continue
        yield f"{entry.name} {state == 'Z'} {title!r} {held}"


def _open_namespaces(process: Path) -> Iterator[str]:
    for one in (process / "fd").iterdir():
        target = os.readlink(one)
        if target.startswith(_NAMESPACES):
            yield f"open {target}"


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
        file = Path(f"/proc/net/{family}")
        for line in file.read_text().splitlines()[1:] if file.exists() else ():
            fields = line.split()
            if family == "netlink":
                yield f"{family} {fields[1:4]}"  # protocol, port, groups
            elif family == "unix":
                yield f"{family} {fields[1:4]} {fields[7:]}"
            elif not family.startswith("tcp") or fields[3] != "06":  # TIME_WAIT, of the kernel
                yield f"{family} {line}"


def _answers() -> Iterator[str]:
    for command in _COMMANDS:
        said = subprocess.run(command.split(), capture_output=True, text=True, check=False)
        yield from (f"{command}: {line}" for line in said.stdout.splitlines())


def _settings() -> Iterator[str]:
    """How names are resolved, and what iptables has of its old kind."""
    for name in _RESOLVER:
        path = Path(name)
        yield f"{name} {path.read_bytes() if path.is_file() else path.exists()!r}"
    for family in _LEGACY:
        file = Path(f"/proc/net/{family}_tables_names")
        yield f"{file} {file.read_text().split() if file.exists() else []}"


if __name__ == "__main__":
    main()
