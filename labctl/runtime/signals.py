"""Signals: those that the runtime handles, so that what it starts can have them as they were, and
those that images name.
"""

import re
import signal

from labctl.cri.errors import CREATE_CONTAINER_ERROR, CriError
from labctl.runtime.spawn.syscalls import IGNORED

HANDLED = (signal.SIGTERM, signal.SIGINT)

_REAL_TIME = re.compile(r"RT(MIN|MAX)([+-]\d+)?")


def reset_inherited() -> None:
    """Takes back what whoever started this process had ignored or blocked (nohup, a shell's &).

    Once for all containers: to look at sixty signals after each fork costs half a millisecond.
    """
    for number in signal.valid_signals():
        if number not in IGNORED and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def number_of(name: str) -> int:
    """The signal of a name (SIGQUIT, QUIT, 3, SIGRTMIN+3); SIGTERM for "". Raises CriError."""
    text = name.upper().removeprefix("SIG") or "TERM"
    real_time = _REAL_TIME.fullmatch(text)
    if real_time:
        number = int(signal.Signals[f"SIGRT{real_time[1]}"]) + int(real_time[2] or 0)
    elif text.isdecimal():
        number = int(text)
    else:
        number = int(getattr(signal, f"SIG{text}", 0))
    if number not in signal.valid_signals():
        raise CriError(f'stop signal "{name}" is none', CREATE_CONTAINER_ERROR)
    return number
