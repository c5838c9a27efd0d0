"""What all verbs of a scenario are, and what is checked of several."""

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from labctl.api.fields import FieldError, Path

Seconds = Annotated[float, Meta(gt=0)]


class Verb(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One thing that a scenario does or checks."""

    def check(self, path: Path) -> None:
        """FieldError for what no type says: a check that cannot fail, or cannot be made."""


def check_patterns(patterns: Iterable[str], path: Path) -> None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise FieldError(path, f"{pattern!r} is no regular expression: {error}") from None
