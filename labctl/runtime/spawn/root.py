"""A container's root: the host's, or an image's, seen through an overlay that forgets.

Runs in the forked child, in a mount namespace of its own. The lower layers are the image's, or else
the host's file systems, and overlayfs never writes them; the upper ones lie in a tmpfs that no path
of the host leads to and that dies with the namespace. Mount points that are missing are made there.
What the kernel shows in /proc and /sys is masked and made read-only as runc does it (its
maskedPaths and readonlyPaths): uid 0 needs no capability to write /proc/sysrq-trigger.
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from labctl.mounting import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
)
from labctl.runtime.spawn.syscalls import pivot_root_here

_UPPER_SIZE = "512m"  # what a container may write before it sees ENOSPC: memory of the host
_KERNEL = MS_NOSUID | MS_NOEXEC | MS_NODEV
_MADE = ("proc", "sys", "dev", "etc")
MASKED = (
    "proc/acpi", "proc/asound", "proc/kcore", "proc/keys", "proc/latency_stats",
    "proc/sched_debug", "proc/scsi", "proc/timer_list", "proc/timer_stats",
    "sys/devices/virtual/powercap", "sys/firmware",
)  # fmt: skip
_NET_SETTINGS = "proc/sys/net"  # in a namespace of its own, shows only what is of that
READ_ONLY = ("proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger")
_DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}  # minors of major 1
_TTY = os.makedev(5, 0)
_MAX_STEPS = 256  # of a path with its links: what is longer turns in a circle

Volume = tuple[str, str, bool]
"""What of the host is seen, where, and whether it can only be read."""


class Root(NamedTuple):
    """What a root is made of.

    `scaffold` is an empty directory of the host to build on, `etc` are the pod's files there. With
    `layers`, directories, the topmost first, these are what is seen, and not the host, of which
    `host_mounts` are mounts beside its own root, and `hidden` (keys, the store) is not the pods' to
    read. The working `directory` is made before all else is `read_only` but the `volumes`. With
    `own_settings` the pod's network settings in /proc/sys can be changed.
    """

    scaffold: str
    host_mounts: tuple[str, ...]
    etc: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()
    directory: str = ""
    read_only: bool = False
    own_settings: bool = False
    layers: tuple[str, ...] = ()


def enter_new_root(root: Root) -> None:
    """Builds `root` and makes it this process's. Needs a mount namespace that nobody else uses."""
    own = lay_root(root)
    _mount_kernel()
    _populate_dev()
    _make_read_only(READ_ONLY)
    if root.own_settings:
        mount(_NET_SETTINGS, _NET_SETTINGS, flags=MS_BIND)
        mount("", _NET_SETTINGS, flags=MS_REMOUNT | MS_BIND | _KERNEL)
    _mask((*MASKED, *(path.lstrip("/") for path in root.hidden)))
    make_directory(root)
    if root.read_only:
        _close((".", *own), root.volumes)
    for volume in root.volumes:
        _mount_volume(*volume)
    pivot_root_here()
    os.chdir("/")
    os.umask(0o022)


def lay_root(root: Root) -> list[str]:
    """Mounts what `root` is made of as `scaffold`/root, in this mount namespace alone, and goes
    there. Returns where it mounted more in it.
    """
    mount("", "/", flags=MS_REC | MS_PRIVATE)  # or the host's mount points would see all below
    mount("tmpfs", root.scaffold, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=0755,size={_UPPER_SIZE}")
    os.chdir(root.scaffold)
    os.umask(0)
    return _lay_image(root) if root.layers else _lay_host(root)


def _lay_image(root: Root) -> list[str]:
    _make_upper(root, _MADE)
    # By their names in their directory: mount(2) takes no more than a page of options.
    os.chdir(os.path.dirname(root.layers[0]))
    lower, at = ":".join(map(os.path.basename, root.layers)), root.scaffold
    _mount_overlay(lower, f"{at}/upper", f"{at}/work", f"{at}/root")
    os.chdir(f"{at}/root")
    return []


def _lay_host(root: Root) -> list[str]:
    _make_upper(root, (*_MADE, "run"))
    _mount_overlay("/", "upper", "work", "root")
    own = [*_mount_submounts(root.host_mounts), "run"]
    os.chdir("root")
    mount("tmpfs", "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m")
    os.mkdir("run/lock", 0o755)
    return own


def make_directory(root: Root) -> None:
    """The working directory, as runc does."""
    if root.directory:
        os.makedirs(resolved(root.directory), exist_ok=True)


def _close(paths: Iterable[str], volumes: Iterable[Volume]) -> None:
    """Nothing can be written below these any more; volumes have places made for them before."""
    for source, target, _ in volumes:
        _make_target(source, target)
    for path in paths:
        mount("", path, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV)


def renew_proc() -> None:
    """Shows the processes of this pid namespace, in a root that was built in another."""
    mount("proc", "/proc", "proc", _KERNEL)
    os.chdir("/")
    _make_read_only(READ_ONLY)
    _mask(path for path in MASKED if path.startswith("proc/"))


def _make_upper(root: Root, made: Iterable[str]) -> None:
    for directory in ("root", "upper", "work", *(f"upper/{name}" for name in made)):
        os.mkdir(directory, 0o755)
    for name, text in root.etc:
        # written beneath the overlay: there it may be a link into /run, which is empty
        # (by system calls: a file object would touch, and so copy, many more pages of the fork)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        file = os.open(f"upper/etc/{name}", flags, 0o644)  # the umask is 0
        os.write(file, text.encode())
        os.close(file)


def _mount_overlay(lower: str, upper: str, work: str, target: str) -> None:
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount("overlay", target, "overlay", MS_NODEV, options)


def _mount_submounts(host_mounts: tuple[str, ...]) -> Iterator[str]:
    """Yields where it mounted one, seen from the root."""
    for number, path in enumerate(host_mounts):
        target = "root" + path
        if not os.path.isdir(path) or not os.path.isdir(target):
            continue  # a file bound onto a file: the overlay shows what lies beneath
        upper, work = f"upper{number}", f"work{number}"
        os.mkdir(upper, os.stat(path).st_mode & 0o7777)
        os.mkdir(work)
        try:
            _mount_overlay(_escape(path), upper, work, target)
        except OSError:  # no file system for an overlay (FUSE, vboxsf): to be read only
            mount(path, target, flags=MS_BIND)
            mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
        yield path[1:]


def _mount_volume(source: str, wanted: str, read_only: bool) -> None:
    target = _make_target(source, wanted)
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _make_target(source: str, wanted: str) -> str:
    """Where a volume is mounted, made where it is missing. `root` is the current directory by now,
    so that a link in it must not lead out of it: it is resolved as if that were / already.
    """
    target = resolved(wanted)
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    return target


def resolved(path: str) -> str:
    """`path` of the new root, relative to the current directory, without links (openat2(2) is not
    in Python): `..` stops at the root, absolute links start there.
    """
    done: list[str] = []
    todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
    for _ in range(_MAX_STEPS):
        if not todo:
            return "/".join(done) or "."
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        try:
            link = os.readlink("/".join((*done, part)))
        except OSError:
            done.append(part)
            continue
        if link.startswith("/"):
            done.clear()
        todo += [one for one in link.split("/") if one not in ("", ".")][::-1]
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _escape(path: str) -> str:
    """A path as overlayfs's options take it: a comma ends an option, a colon a layer."""
    for special in ("\\", ",", ":"):
        path = path.replace(special, "\\" + special)
    return path


def _mount_kernel() -> None:
    mount("proc", "proc", "proc", _KERNEL)
    mount("sysfs", "sys", "sysfs", _KERNEL | MS_RDONLY)
    mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=0755,size=64k")
    for directory in ("dev/pts", "dev/shm", "dev/mqueue"):
        os.mkdir(directory, 0o755)
    terminals = MS_NOSUID | MS_NOEXEC
    mount("devpts", "dev/pts", "devpts", terminals, "newinstance,ptmxmode=0666,mode=0620,gid=5")
    mount("shm", "dev/shm", "tmpfs", _KERNEL, "mode=1777,size=64m")
    mount("mqueue", "dev/mqueue", "mqueue", _KERNEL)


def _populate_dev() -> None:
    for name, minor in _DEVICES.items():
        os.mknod(f"dev/{name}", 0o020666, os.makedev(1, minor))
    os.mknod("dev/tty", 0o020666, _TTY)
    os.symlink("pts/ptmx", "dev/ptmx")
    os.symlink("/proc/self/fd", "dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"dev/{name}")


def _make_read_only(paths: Iterable[str]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            mount(path, path, flags=MS_BIND | MS_REC)
            mount("", path, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | _KERNEL)


def _mask(paths: Iterable[str]) -> None:
    for path in paths:
        if os.path.isdir(path):
            mount("tmpfs", path, "tmpfs", MS_RDONLY | _KERNEL, "size=4k,mode=0755")
        elif os.path.exists(path):
            mount("dev/null", path, flags=MS_BIND)
