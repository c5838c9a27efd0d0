"""Starting a contained program: the child's side, from fork to exec.

Only system calls from here on. Whatever fails is told to the runtime.
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
from typing import NoReturn

from labctl.errors import NetError
from labctl.mounting import MS_BIND, mount
from labctl.namespacing import CLONE_NEWNS, setns, unshare
from labctl.runtime.spawn.init import stay_behind
from labctl.runtime.spawn.plan import SANDBOX_KINDS, Launch
from labctl.runtime.spawn.privileges import ROOT as ROOT_USER
from labctl.runtime.spawn.privileges import take_privileges
from labctl.runtime.spawn.root import enter_new_root, lay_root, make_directory, renew_proc
from labctl.runtime.spawn.syscalls import die_with_parent, let_signals_in

TERMINAL, ROOT = b"t", b"r"  # what a child says with a descriptor
TERMINAL_KEPT_AT = 1000  # out of the way of what shells and scripts number themselves

_HIERARCHY = "/sys/fs/cgroup"
_NOT_FOUND, _CANNOT_EXECUTE, _CANNOT_START = 127, 126, 128


class CannotExecute(Exception):
    """A sentence, and the exit code to tell."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def become(plan: Launch) -> NoReturn:
    """Turns this forked process into the program of `plan`. Does not return."""
    gc.disable()
    sync = plan.held.sync
    try:
        _prepare_crun(plan) if plan.crun else _prepare(plan)
        if os.read(sync, 1) == b"g":
            _execute(plan)
    except CannotExecute as error:
        _tell(sync, str(error), error.code)
    except (OSError, NetError) as error:
        _tell(sync, _sentence(error), _CANNOT_START)
    except BaseException as error:
        _tell(sync, f"{type(error).__name__}: {error}", _CANNOT_START)
    os._exit(_CANNOT_START)


def _prepare(plan: Launch) -> None:
    _enter_groups(plan)
    let_signals_in()
    setns(plan.held.sandbox, SANDBOX_KINDS)
    _enter_file_systems(plan)
    if plan.is_alone:
        stay_behind(plan.privileges)
    if plan.terminal is None:
        os.setsid()
        _arrange_stdio(plan)
    else:
        _open_terminal(plan)
    _give_stdio(plan.privileges.user)
    _enter_working_dir(plan)
    take_privileges(plan.privileges)
    if plan.leashed and not plan.is_alone:
        die_with_parent()  # last: a change of credentials may clear it


def _prepare_crun(plan: Launch) -> None:
    _enter_groups(plan)
    let_signals_in()
    unshare(CLONE_NEWNS)
    assert plan.root is not None
    lay_root(plan.root)
    make_directory(plan.root)
    os.umask(0o022)
    os.chdir("/")
    if plan.hierarchy and plan.hierarchy != _HIERARCHY:
        mount(plan.hierarchy, _HIERARCHY, flags=MS_BIND)  # or it refuses a hybrid layout
    os.setsid()
    _arrange_stdio(plan)


def _enter_groups(plan: Launch) -> None:
    for entrance in plan.entrances:
        _write(entrance, "0")  # itself, by whatever number it has where
    if plan.privileges.oom_score:
        _write("/proc/self/oom_score_adj", str(plan.privileges.oom_score))


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _enter_file_systems(plan: Launch) -> None:
    held = plan.held
    if held.container is not None:
        setns(held.container, CLONE_NEWNS)  # root and working directory come with it: setns(2)
    elif held.shared_root is not None:
        setns(held.shared_root, CLONE_NEWNS)
        unshare(CLONE_NEWNS)
        renew_proc()
    elif plan.root is not None:
        unshare(CLONE_NEWNS)
        enter_new_root(plan.root)
        if plan.leashed:
            _hand_over_root(plan)


def _hand_over_root(plan: Launch) -> None:
    """So that the next program finds the files that this one leaves."""
    root = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    _pass_on(plan, ROOT, root)


def _arrange_stdio(plan: Launch) -> None:
    for target, descriptor in enumerate((plan.held.stdin, plan.held.stdout, plan.held.stderr)):
        os.dup2(_open_null() if descriptor is None else descriptor, target)


def _give_stdio(user: int) -> None:
    """To the user, who can then open /dev/stdout anew (as runc does); not what all have, /dev/null."""
    if user != ROOT_USER:
        for descriptor in range(3):
            if not stat.S_ISCHR(os.fstat(descriptor).st_mode) or os.isatty(descriptor):
                os.fchown(descriptor, user, -1)


def _open_null() -> int:
    return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def _open_terminal(plan: Launch) -> None:
    """A terminal of the container's own devpts, controlling this session; its master to the parent."""
    assert plan.terminal is not None
    master, slave = os.openpty()
    size = struct.pack("HHHH", *plan.terminal, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    if plan.keeps_terminal:
        with contextlib.suppress(OSError):  # RLIMIT_NOFILE: then it ends with the runtime
            os.dup2(master, TERMINAL_KEPT_AT)
    _pass_on(plan, TERMINAL, master)
    os.login_tty(slave)


def _pass_on(plan: Launch, word: bytes, descriptor: int) -> None:
    """Gives the runtime a descriptor that this process has opened."""
    with socket.socket(fileno=os.dup(plan.held.sync)) as channel:
        socket.send_fds(channel, [word], [descriptor])
    os.close(descriptor)


def _enter_working_dir(plan: Launch) -> None:
    if plan.working_dir:
        os.makedirs(plan.working_dir, exist_ok=True)  # as runc does
    os.chdir(plan.working_dir or "/")


def _execute(plan: Launch) -> NoReturn:
    """execvpe, with runc's words for what goes wrong."""
    program = plan.argv[0] if plan.argv else ""
    if "/" in program:
        _execute_file(program, plan)
    denied: OSError | None = None
    for directory in plan.env.get("PATH", "").split(":"):
        if directory and program:
            error = _try(f"{directory}/{program}", plan)
            denied = denied if _is_absent(error) else error
    if denied:
        raise CannotExecute(f'exec: "{program}": {_reason(denied)}', _CANNOT_EXECUTE)
    raise CannotExecute(f'exec: "{program}": executable file not found in $PATH', _NOT_FOUND)


def _execute_file(path: str, plan: Launch) -> NoReturn:
    error = _try(path, plan)
    if _is_absent(error):
        raise CannotExecute(f'exec: "{path}": stat {path}: {_reason(error)}', _NOT_FOUND)
    raise CannotExecute(f'exec: "{path}": {_reason(error)}', _CANNOT_EXECUTE)


def _try(path: str, plan: Launch) -> OSError:
    """Returns only if there is a reason why not."""
    try:
        os.execve(path, plan.argv, plan.env)  # noqa: S606 (a container's program, no shell)
    except OSError as error:
        return error


def _is_absent(error: OSError) -> bool:
    return error.errno in (errno.ENOENT, errno.ENOTDIR)


def _reason(error: OSError) -> str:
    return (error.strerror or "").lower()


def _sentence(error: OSError | NetError) -> str:
    if isinstance(error, NetError):
        return error.message
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{(error.strerror or str(error)).lower()}"


def _tell(sync: int, message: str, code: int) -> None:
    os.write(sync, bytes([code]) + message.encode(errors="replace"))
