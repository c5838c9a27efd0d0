"""Which signals the runtime handles or ignores, so that what it starts can have them as they were."""

import signal

HANDLED = (signal.SIGTERM, signal.SIGINT)
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python itself


def reset_inherited() -> None:
    """Takes back what whoever started this process had ignored or blocked (nohup, a shell's &).

    Once for all containers: to look at sixty signals after each fork costs half a millisecond.
    """
    for number in signal.valid_signals():
        if number not in IGNORED and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
