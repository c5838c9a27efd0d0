"""How long work tells how far it is; the command line decides how that looks."""

from typing import Protocol


class Progress(Protocol):
    """Takes steps as they begin, and counts within a step."""

    def step(self, text: str) -> None:
        """A new step begins."""
        ...

    def count(self, what: str, done: int, total: int) -> None:
        """So many of so many are done."""
        ...


class Silence:
    """Progress that nobody looks at."""

    def step(self, text: str) -> None:
        pass

    def count(self, what: str, done: int, total: int) -> None:
        pass
