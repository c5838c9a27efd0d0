"""What the kernel has in each namespace of a lab, in the words of the usual programs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from labctl import names
from labctl.net import namespaces

_COMMANDS = (
    "ip -d -s link",
    "ip address",
    "ip route show table all",
    "ip rule",
    "ip -6 rule",
    "ip neighbor",
    "bridge fdb",
    "bridge -d link",
    "tc -s qdisc",
    "nft list ruleset",
    "ss -tuan",
)
_SECONDS = 10.0
_SETTINGS = Path("/proc/sys/net")


def pins(lab: str) -> list[str]:
    return list(namespaces.pinned(names.netns_prefix(lab)))


def state(pin: str) -> bytes:
    """What all commands say in that namespace; raises NetError when it is gone."""
    with namespaces.inside(names.netns_path(pin)):
        return b"".join(_said(command) for command in _COMMANDS)


def settings(pin: str) -> bytes:
    """Its settings below net, as `sysctl` prints them; raises NetError when it is gone."""
    with namespaces.inside(names.netns_path(pin)):
        return "".join(sorted(_settings())).encode()


def _said(command: str) -> bytes:
    try:
        done = subprocess.run(command.split(), capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return f"$ {command}\nnot installed\n\n".encode()
    except subprocess.TimeoutExpired:
        return f"$ {command}\nnothing within {_SECONDS:g} s\n\n".encode()
    return b"$ %s\n%s%s\n" % (command.encode(), done.stdout, done.stderr)


def _settings() -> Iterator[str]:
    for file in _SETTINGS.rglob("*"):
        try:
            if file.is_file():
                name = str(file.relative_to(_SETTINGS.parent)).replace("/", ".")
                yield f"{name} = {' '.join(file.read_text().split())}\n"
        except OSError:  # can only be written, or went with its interface
            continue
