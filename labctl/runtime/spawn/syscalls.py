"""The system calls that Python 3.11 lacks and a container needs; each raises OSError.

Most are called between fork and exec, so nothing here logs, locks or imports. (setns and
unshare have their one wrapper in namespacing, mount in mounting.)
"""

import ctypes
import os
import signal

from labctl.mounting import detach

IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python itself

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522

_CLONE_PARENT = 0x8000
_CLONE_INTO_CGROUP = 0x2_0000_0000
_CLONE_CLEAR_SIGHAND = 0x1_0000_0000

_SYS_CLONE3 = 435  # the same on every architecture, as is the next
_SYS_PIDFD_GETFD = 438

_SIG_SETMASK = 2
_NO_SIGNALS = bytes(128)  # glibc's sigset_t

_libc = ctypes.CDLL(None, use_errno=True)
# Found once, before the fork: a name that is looked up in a child makes an object there.
_libc_prctl, _libc_capset, _libc_pivot_root = _libc.prctl, _libc.capset, _libc.pivot_root
_libc_prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
_libc_sigprocmask = _libc.sigprocmask
_syscall = ctypes.PyDLL(
    None, use_errno=True
).syscall  # keeps the interpreter's lock, as a fork must
_syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def fork_sibling(flags: int = 0, cgroup: int | None = None) -> int:
    """A fork into new namespaces (CLONE_NEW…) and the cgroup of that descriptor; 0 in the child.

    It is a child of this process's parent, to which its end is signalled as this one's would be.
    To be born in a cgroup costs nothing; to move into one waits for all CPUs on many kernels. The
    child has no signal handlers. Only for a process without threads: of what os.fork sees to
    beyond the system call, nothing concerns a child that goes on to exec.
    """
    flags |= _CLONE_PARENT | _CLONE_CLEAR_SIGHAND | (0 if cgroup is None else _CLONE_INTO_CGROUP)
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
    # set_tid, set_tid_size, cgroup
    arguments = (ctypes.c_uint64 * 11)(flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, cgroup or 0)
    pid = int(_syscall(_SYS_CLONE3, ctypes.byref(arguments), ctypes.sizeof(arguments)))
    _check(min(0, pid), "clone3")
    return pid


def let_signals_in() -> None:
    """Blocks nothing any more: it would stay so over exec (signal(7)).

    By libc: Python's own function makes objects for all signals, in pages that a fork must copy.
    """
    _libc_sigprocmask(_SIG_SETMASK, _NO_SIGNALS, None)


def pivot_root_here() -> None:
    """Makes the current directory the root and lets go of the old one.

    pivot_root(".", ".") stacks the old root on the new one, so that a detaching umount of "."
    drops it without a directory to put it in: pivot_root(2), NOTES.
    """
    _check(_libc_pivot_root(b".", b"."), "pivot_root")
    detach(".")


def die_with_parent() -> None:
    """SIGKILL for this process when its parent dies (the parent must not have died already)."""
    _check(_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), "pdeathsig")


def become_subreaper() -> None:
    """Whoever below this process loses its parent becomes its child: prctl(2)."""
    _check(_prctl(_PR_SET_CHILD_SUBREAPER, 1), "child subreaper")


def set_no_new_privs() -> None:
    _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")


def clear_ambient() -> None:
    _check(_prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL), "ambient capabilities")


def drop_from_bounding_set(capability: int) -> None:
    _check(_prctl(_PR_CAPBSET_DROP, capability), "capability bounding set")


def pidfd_getfd(pidfd: int, descriptor: int) -> int:
    """A copy of another process's descriptor."""
    copy = int(_libc.syscall(ctypes.c_long(_SYS_PIDFD_GETFD), pidfd, descriptor, 0))
    _check(min(0, copy), "pidfd_getfd")
    return copy


def _prctl(option: int, argument: int) -> int:
    return int(_libc_prctl(option, argument, 0, 0, 0))  # the unused ones must be zero


def set_capabilities(mask: int) -> None:
    """Permitted and effective become exactly `mask`, inheritable nothing: capset(2), version 3."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFF_FFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _check(_libc_capset(header, data), "capset")
