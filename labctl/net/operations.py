"""What can be done to a noun: create it, replace its state by another, delete it.

`diff` makes operations, `apply` carries them out, and `describe()` is for people: the command that
one would type to do the same. It is the log line, the plan and the golden test.
"""

from dataclasses import dataclass

from labctl.net import commands
from labctl.net.nouns import Link, Noun


@dataclass(frozen=True, slots=True)
class Create:
    """Makes what is not there. What is there after all is replaced; a link is an error (EEXIST)."""

    noun: Noun

    def describe(self) -> str:
        return commands.create(self.noun)


@dataclass(frozen=True, slots=True)
class Replace:
    """Brings `before`, which is there, to the state `noun`, in place."""

    noun: Noun
    before: Noun

    def describe(self) -> str:
        if isinstance(self.noun, Link) and isinstance(self.before, Link):
            return commands.change_link(self.before, self.noun)
        return commands.replace(self.noun)


@dataclass(frozen=True, slots=True)
class Delete:
    """Takes away what is there. If it is gone already, that is as well."""

    noun: Noun

    def describe(self) -> str:
        return commands.delete(self.noun)


Operation = Create | Replace | Delete
