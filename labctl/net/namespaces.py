"""Network namespaces: made, pinned, entered and left.

A namespace lives as long as something holds it: a process in it, a descriptor, a socket made in
it, or a pin. A pin is a bind mount of the namespace file on /run/netns/NAME, which is where
`ip netns` looks.

setns and unshare concern one thread. labctl's processes do all such work in their only thread; a
socket made inside a namespace belongs to it for ever, wherever its owner goes afterwards.
"""

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from labctl import names
from labctl.errors import NetError
from labctl.namespacing import CLONE_NEWNET, CLONE_NEWNS, setns, unshare
from labctl.net.marks import mark, marked

_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_HERE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)

Place = str | Path | int  # the path of a namespace file, or an open descriptor of one


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise NetError(f"{what}: {os.strerror(code)}", code)


def netns_path(name: str) -> Path:
    """Where the pin of the namespace `name` is, or would be."""
    return names.netns_path(name)


@contextlib.contextmanager
def _opened(place: Place) -> Iterator[int]:
    if isinstance(place, int):
        yield place
        return
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NetError(f"open {place}: {error.strerror}", error.errno or 0) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def enter(place: Place) -> None:
    """Moves this thread into a network namespace for good."""
    with _opened(place) as descriptor:
        setns(descriptor, CLONE_NEWNET)


@contextlib.contextmanager
def inside(place: Place) -> Iterator[None]:
    """Runs its body in a network namespace and comes back, whatever the body does.

    The body must not await: another task of the loop would find itself in the namespace.
    """
    with _opened(_HERE) as home, _opened(place) as there:
        setns(there, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)


def socket_in(place: Place, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that belongs to the namespace `place`, as `socket.socket(family, kind, protocol)`."""
    with inside(place):
        return socket.socket(family, kind, protocol)


def pinned(prefix: str) -> tuple[str, ...]:
    """The pins that begin with `prefix` and that labctl made, sorted. Raises NetError.

    What has that name and leads nowhere is one that was half made, or whose pause was killed.
    """
    try:
        found = [name for name in os.listdir(names.NETNS_DIR) if name.startswith(prefix)]
    except FileNotFoundError:
        return ()
    ours = marked(found)
    return tuple(sorted(pin for pin in found if pin in ours or not is_netns(netns_path(pin))))


def create_netns(name: str) -> Path:
    """Makes a fresh network namespace, pins it as `name`, and returns the pin's path.

    Raises NetError (EEXIST) if there is such a pin.
    """
    with _opened(_HERE) as home:
        unshare(CLONE_NEWNET)
        try:
            return pin_netns(name, _HERE)
        finally:
            setns(home, CLONE_NEWNET)


@contextlib.contextmanager
def unpinned() -> Iterator[int]:
    """A fresh network namespace as a descriptor: it goes with that, however this process ends."""
    with _opened(_HERE) as home:
        unshare(CLONE_NEWNET)
        try:
            descriptor = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            setns(home, CLONE_NEWNET)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def pin_netns(name: str, source: str) -> Path:
    """Pins the namespace whose file is `source` (/proc/PID/ns/net) as `name`; as `create_netns`.

    A pin that is half made is taken back.
    """
    pin = netns_path(name)
    _create_pin_file(pin)
    try:
        mark(pin)
        _bind(source, pin)
    except NetError:
        pin.unlink()
        raise
    return pin


def _create_pin_file(pin: Path) -> None:
    for _ in range(100):  # whoever drops the last pin removes the directory: try again
        pin.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            os.close(os.open(pin, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
        except FileNotFoundError:
            continue
        except FileExistsError as error:
            raise NetError(f"ip netns add {pin.name}: exists already", errno.EEXIST) from error
        return
    raise NetError(f"{pin.parent} does not stay", errno.ENOENT)


def _bind(source: str, target: Path) -> None:
    result = _libc.mount(source.encode(), str(target).encode(), None, _MS_BIND, None)
    _check(result, f"mount --bind {source} {target}")


def is_netns(path: Path) -> bool:
    """Whether `path` leads to a living namespace: a pin in place, or the link to one."""
    try:
        with _opened(path) as descriptor:
            # nsfs has a device of its own, shared by all namespace files
            return os.fstat(descriptor).st_dev == os.stat(_HERE).st_dev
    except NetError:
        return False


def is_here(path: Path) -> bool:
    """Whether `path` leads to the namespace in which the caller is."""
    return path.samefile(_HERE)


def _unlink_from_below(pin: Path) -> None:
    """Unlinks a pin whose mount lies hidden: the first `ip netns add` of a machine mounts /run/netns,
    with all pins, over itself (iproute2, netns_add), and only the copies on top can be reached.

    A child with mounts of its own takes all of them away and unlinks the pin: to it, that is no
    mount point, and everywhere else the kernel detaches what was mounted there.
    """
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            unshare(CLONE_NEWNS)
            _check(_libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "/")
            for path in (names.NETNS_DIR, pin):
                while _libc.umount2(str(path).encode(), _MNT_DETACH) == 0:
                    pass
            pin.unlink(missing_ok=True)
            os._exit(0)
        os._exit(1)
    _, outcome = os.waitpid(child, 0)
    if outcome:
        raise NetError(f"unlink {pin}: {os.strerror(errno.EBUSY)}", errno.EBUSY)


def delete_netns(name: str) -> None:
    """Drops the pin `name`, mounted, a bare file or a symbolic link; none there is no error.

    The namespace itself goes when nothing else holds it. unlink also detaches copies of the mount
    that containers' mount namespaces took along (the kernel's detach_mounts, since 3.18).
    """
    pin = netns_path(name)
    if not pin.is_symlink():
        while _libc.umount2(str(pin).encode(), _MNT_DETACH) == 0:
            pass  # a pin can be mounted over itself several times
    try:
        pin.unlink(missing_ok=True)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _unlink_from_below(pin)
    with contextlib.suppress(OSError):
        names.NETNS_DIR.rmdir()  # only if empty, and not if `ip netns` has mounted it
