"""Kernel settings of a network namespace.

/proc/sys/net shows the namespace of whoever opens a file there, so all of this works in the
namespace in which the caller is (`Netlink.inside`). Every setting that matters is set explicitly:
a new namespace copies its IPv4 settings from the host (devconf_inherit_init_net), so a host with
Docker would give other labs than a bare one.
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator

from labctl.errors import NetError
from labctl.net.nouns import Sysctl

_SWAP = str.maketrans("./", "/.")  # sysctl(8): a slash in a name stands for a dot in the path


def path(name: str) -> str:
    """The file of a setting: net.ipv4.conf.vxlan/1.rp_filter is in …/conf/vxlan.1/rp_filter."""
    return "/proc/sys/" + name.translate(_SWAP)


def device_sysctl(family: str, interface: str, setting: str, value: str) -> Sysctl:
    """A setting of one interface, or of "all" or "default"; `family` is ipv4 or ipv6."""
    return Sysctl(f"net.{family}.conf.{interface.replace('.', '/')}.{setting}", value)


def read(name: str) -> str | None:
    """The value of a setting, tabs as spaces; None if there is no such setting."""
    try:
        with open(path(name), "rb", buffering=0) as file:
            return _value(file.read(4096))
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return None
        raise


def write(setting: Sysctl) -> None:
    """Sets it. Raises NetError with the command's sentence; ENOENT if there is no such setting."""
    try:
        with open(path(setting.name), "wb", buffering=0) as file:
            file.write(setting.value.encode())
    except OSError as error:
        hint = "modprobe br_netfilter" if setting.name.startswith("net.bridge.") else ""
        sentence = f"sysctl -w {setting.describe()}: {error.strerror}"
        raise NetError(sentence, error.errno or 0, hint) from error


def observe(names: Iterable[str]) -> Iterator[Sysctl]:
    """Those of the settings `names` that there are, as they stand."""
    for name in names:
        value = read(name)
        if value is not None:
            yield Sysctl(name, value)


def _look(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, 4096, 0)
    except OSError:  # the setting went with its interface
        return b""


def _value(data: bytes) -> str:
    return data.decode().strip().replace("\t", " ")


class SysctlFiles:
    """Settings kept open, to look at often: what no event tells has to be read back.

    240 of them take half a millisecond. A file that was opened in a namespace goes on showing that
    one, until the setting goes (with its interface), which is then not in what `read` returns.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._files: dict[str, int] = {}
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._files[name] = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)

    def raw(self) -> list[bytes]:
        """What stands in the files, to compare with an earlier look for next to nothing."""
        return [_look(descriptor) for descriptor in self._files.values()]

    def parse(self, raw: Iterable[bytes]) -> tuple[Sysctl, ...]:
        """The settings behind a look, without those that had gone."""
        told = zip(self._files, raw, strict=True)
        return tuple(Sysctl(name, _value(data)) for name, data in told if data)

    def read(self) -> tuple[Sysctl, ...]:
        """All settings that are still there, as they stand."""
        return self.parse(self.raw())

    def close(self) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
