"""Progress on stderr: a line a step; on a terminal, counts with a bar by rich."""

import sys
import time
from typing import Self

import click


class Reporter:
    """A `labctl.lab.progress.Progress` for people. A context manager: the bar goes at the end."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar = _Bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, text: str) -> None:
        if self._bar is not None:
            self._bar.close()
        click.echo(text, err=True)

    def count(self, what: str, done: int, total: int) -> None:
        if self._bar is not None:
            self._bar.show(what, done, total)
        elif done == total:
            click.echo(f"{total} {what} after {time.monotonic() - self._started:.1f} s", err=True)


class _Bar:
    """A rich progress bar without its thread: labctl forks while it is shown."""

    def __init__(self) -> None:
        self._progress: object = None
        self._task: object = None

    def show(self, what: str, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        if not isinstance(self._progress, Progress):
            self._progress = Progress(
                console=Console(stderr=True), auto_refresh=False, transient=True
            )
            self._progress.start()
            self._task = self._progress.add_task(what, total=total)
        self._progress.update(self._task, description=f"{done} of {total} {what}", completed=done)  # type: ignore[arg-type]
        self._progress.refresh()

    def close(self) -> None:
        from rich.progress import Progress

        if isinstance(self._progress, Progress):
            self._progress.stop()
        self._progress = None
