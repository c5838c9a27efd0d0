"""Progress on stderr: a line a step; on a terminal, counts with a bar by rich, and how fast it goes."""

import os
import sys
import time
from typing import Self

import click

_REDRAW = 0.1  # a drawing costs milliseconds, which the lab could use


class Reporter:
    """A `labctl.lab.progress.Progress` for people. A context manager: the bar goes at the end.

    Where there is no terminal, a count is told once, when all is done; or never, for a `quiet` one.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._started = time.monotonic()
        self._quiet = quiet
        self._bar = _Bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.make_room()

    def make_room(self) -> None:
        """Takes the bar away, until the next count, for what somebody else prints."""
        if self._bar is not None:
            self._bar.close()

    def step(self, text: str) -> None:
        self.make_room()
        _tell(text)

    def count(self, what: str, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.show(what, done, total)
        elif done == total and not self._quiet:
            _tell(f"{counted(total, what)} after {time.monotonic() - self._started:.1f} s")


def _tell(text: str) -> None:
    """On stderr, for as long as somebody reads it: the work is not given up when nobody does."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:  # `labctl up 2>&1 | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def counted(number: int, what: str) -> str:
    """`3 nodes Ready`, `1 node Ready`."""
    noun, space, rest = what.partition(" ")
    return f"{number} {noun.removesuffix('s') if number == 1 else noun}{space}{rest}"


class _Bar:
    """A rich progress bar without its thread: labctl forks while it is shown."""

    def __init__(self) -> None:
        self._progress: object = None
        self._task: object = None
        self._pace = Pace("", 0, 0.0)
        self._drawn = 0.0

    def show(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._pace.what != what:
            self._pace = Pace(what, done, now)
        elif self._progress is not None and done < total and now < self._drawn + _REDRAW:
            return
        self._drawn = now
        self._draw(self._pace.text(done, total, now), done, total)

    def _draw(self, text: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        if not isinstance(self._progress, Progress):
            self._progress = Progress(
                console=Console(stderr=True), auto_refresh=False, transient=True
            )
            self._progress.start()
            self._task = self._progress.add_task(text, total=total)
        self._progress.update(self._task, description=text, completed=done, total=total)  # type: ignore[arg-type]
        self._progress.refresh()

    def close(self) -> None:
        from rich.progress import Progress

        if isinstance(self._progress, Progress):
            self._progress.stop()
        self._progress = None


class Pace:
    """How fast a count has gone since it was first seen."""

    def __init__(self, what: str, first: int, began: float) -> None:
        self.what = what
        self._first = first
        self._began = began

    def text(self, done: int, total: int, now: float) -> str:
        """`412 of 1000 pods Ready, 230/s`; without a rate while there is none."""
        text = f"{done} of {total} {self.what}"
        rate = (done - self._first) / (now - self._began) if now > self._began else 0.0
        return f"{text}, {rate:.3g}/s" if rate > 0 else text
