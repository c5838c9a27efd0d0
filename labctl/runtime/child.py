"""Starting a contained program: the child's side, from fork to exec.

Only system calls from here on: no logging, no event loop, nothing that another part of the program
might hold half-done at the moment of the fork. Whatever fails is told to the parent.
"""

import contextlib
import errno
import fcntl
import gc
import os
import socket
import stat
import struct
import termios
from collections.abc import Callable
from typing import NoReturn

import msgspec

from labctl.errors import NetError
from labctl.mounting import MS_BIND, mount
from labctl.net.namespaces import CLONE_NEWNS, setns, unshare
from labctl.runtime.home import SANDBOX_KINDS
from labctl.runtime.launch import ROOT, TERMINAL, Failure, Launch
from labctl.runtime.privileges import ROOT as ROOT_USER
from labctl.runtime.privileges import take_privileges
from labctl.runtime.programs import DEFAULT_PATH
from labctl.runtime.root import enter_new_root, lay_root, make_directory, renew_proc
from labctl.runtime.signals import IGNORED
from labctl.runtime.syscalls import die_with_parent, let_signals_in

TERMINAL_KEPT_AT = 1000  # out of the way of what shells and scripts number themselves

_HIERARCHY = "/sys/fs/cgroup"
_NOT_FOUND, _CANNOT_EXECUTE, _CANNOT_START = 127, 126, 128


class CannotExecute(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def become(plan: Launch, sync: int) -> NoReturn:
    """Turns this forked process into the program of `plan`. Does not return."""
    _become(plan, sync, _prepare)


def become_crun(plan: Launch, sync: int) -> NoReturn:
    """Turns this forked process into crun, which finds the root of `plan` where its bundle says."""
    _become(plan, sync, _prepare_crun)


def _become(plan: Launch, sync: int, prepare: Callable[[Launch, socket.socket], None]) -> NoReturn:
    gc.disable()
    channel = socket.socket(fileno=sync)
    try:
        prepare(plan, channel)
        if channel.recv(1) == b"g":
            _execute(plan)
    except CannotExecute as error:
        _tell(channel, error.failure)
    except (OSError, NetError) as error:
        _tell(channel, Failure(_sentence(error), _CANNOT_START))
    except BaseException as error:
        _tell(channel, Failure(f"{type(error).__name__}: {error}", _CANNOT_START))
    os._exit(_CANNOT_START)


def _prepare(plan: Launch, channel: socket.socket) -> None:
    _enter_groups(plan)
    _close_all_but(_needed(plan) | {0, 1, 2, channel.fileno()})
    let_signals_in(IGNORED)
    setns(plan.sandbox, SANDBOX_KINDS)
    _enter_file_systems(plan, channel)
    if plan.terminal is None:
        os.setsid()
        _arrange_stdio(plan.stdio)
    else:
        _open_terminal(plan, channel)
    _give_stdio(plan.privileges.user)
    _enter_working_dir(plan)
    take_privileges(plan.privileges)
    if plan.leashed:
        die_with_parent()  # last: a change of credentials may clear it


def _prepare_crun(plan: Launch, channel: socket.socket) -> None:
    _enter_groups(plan)
    _close_all_but(_needed(plan) | {0, 1, 2, channel.fileno()})
    let_signals_in(IGNORED)
    unshare(CLONE_NEWNS)
    assert plan.root is not None
    lay_root(plan.root)
    make_directory(plan.root)
    os.umask(0o022)
    os.chdir("/")
    if plan.hierarchy and plan.hierarchy != _HIERARCHY:
        mount(plan.hierarchy, _HIERARCHY, flags=MS_BIND)  # or it refuses a hybrid layout
    os.setsid()
    _arrange_stdio(plan.stdio)


def _enter_groups(plan: Launch) -> None:
    for entrance in plan.entrances:
        _write(entrance, "0")  # itself, by whatever number it has where
    if plan.privileges.oom_score:
        _write("/proc/self/oom_score_adj", str(plan.privileges.oom_score))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _needed(plan: Launch) -> set[int]:
    candidates = (plan.sandbox, plan.container, plan.shared_root, *plan.stdio)
    return {descriptor for descriptor in candidates if descriptor is not None}


def _close_all_but(kept: set[int]) -> None:
    """At once, and not at exec: a copy of a listening socket would keep it, and a dead pod, alive."""
    first = 0
    for descriptor in sorted(kept):
        if first < descriptor:  # an empty range is close_range(2)'s "up to the last" in Python 3.11
            os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, 2**31 - 1)


def _enter_file_systems(plan: Launch, channel: socket.socket) -> None:
    if plan.container is not None:
        setns(plan.container, CLONE_NEWNS)  # root and working directory come with it: setns(2)
    elif plan.shared_root is not None:
        setns(plan.shared_root, CLONE_NEWNS)
        unshare(CLONE_NEWNS)
        renew_proc()
    elif plan.root is not None:
        unshare(CLONE_NEWNS)
        enter_new_root(plan.root)
        if plan.leashed:
            _hand_over_root(channel)


def _hand_over_root(channel: socket.socket) -> None:
    """So that the next program finds the files that this one leaves."""
    root = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    socket.send_fds(channel, [ROOT], [root])
    os.close(root)


def _arrange_stdio(stdio: tuple[int | None, int | None, int | None]) -> None:
    for target, descriptor in enumerate(stdio):
        os.dup2(_open_null() if descriptor is None else descriptor, target)


def _give_stdio(user: int) -> None:
    """To the user, who can then open /dev/stdout anew (as runc does); not what all have, /dev/null."""
    if user != ROOT_USER:
        for descriptor in range(3):
            if not stat.S_ISCHR(os.fstat(descriptor).st_mode) or os.isatty(descriptor):
                os.fchown(descriptor, user, -1)


def _open_null() -> int:
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def _open_terminal(plan: Launch, channel: socket.socket) -> None:
    """A terminal of the container's own devpts, controlling this session; its master to the parent."""
    assert plan.terminal is not None
    master, slave = os.openpty()
    size = struct.pack("HHHH", plan.terminal.rows, plan.terminal.columns, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    socket.send_fds(channel, [TERMINAL], [master])
    if plan.keeps_terminal:
        with contextlib.suppress(OSError):  # RLIMIT_NOFILE: then it ends with the runtime
            os.dup2(master, TERMINAL_KEPT_AT)
    os.close(master)
    os.login_tty(slave)


def _enter_working_dir(plan: Launch) -> None:
    directory = plan.working_dir or "/"
    os.makedirs(directory, exist_ok=True)  # as runc does
    os.chdir(directory)


def _execute(plan: Launch) -> NoReturn:
    """execvpe, with runc's words for what goes wrong."""
    program = plan.argv[0] if plan.argv else ""
    if "/" in program:
        _try(program, program, plan)
    denied: CannotExecute | None = None
    for directory in plan.env.get("PATH", DEFAULT_PATH).split(":"):
        if directory and program and "/" not in program:
            try:
                _try(f"{directory}/{program}", program, plan)
            except CannotExecute as error:
                denied = error if error.failure.code == _CANNOT_EXECUTE else denied
    message = f'exec: "{program}": executable file not found in $PATH'
    raise denied or CannotExecute(Failure(message, _NOT_FOUND))


def _try(path: str, program: str, plan: Launch) -> NoReturn:
    try:
        os.execve(path, plan.argv, plan.env)  # noqa: S606 (a container's program, no shell)
    except OSError as error:
        reason = (error.strerror or "").lower()
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            message = f'exec: "{program}": stat {path}: {reason}'
            raise CannotExecute(Failure(message, _NOT_FOUND)) from error
        message = f'exec: "{program}": {reason}'
        raise CannotExecute(Failure(message, _CANNOT_EXECUTE)) from error


def _sentence(error: OSError | NetError) -> str:
    if isinstance(error, NetError):
        return error.message
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"


def _tell(channel: socket.socket, failure: Failure) -> None:
    channel.send(msgspec.json.encode(failure))
