"""Where in an object something is: paths of keys and indices, and errors that name them.

A path is a tuple such as `("spec", "ports", 0, "port")`; people see `spec.ports[0].port`.
"""

import difflib
from collections.abc import Iterable

from labctl.errors import BadInput

Path = tuple[str | int, ...]


def format_path(path: Iterable[str | int]) -> str:
    """`spec.ports[0].port`; a key that holds a dot is put in brackets, as Kubernetes does."""
    text = ""
    for step in path:
        if isinstance(step, int) or "." in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


class FieldError(BadInput):
    """Bad input at a field of a document; `path` lets a reader of the text find the line."""

    def __init__(self, path: Path, problem: str, hint: str = "") -> None:
        field = format_path(path)
        super().__init__(f"{field}: {problem}" if field else problem, hint)
        self.path = path


def unknown_field(path: Path, known: Iterable[str]) -> FieldError:
    """The error for a field that does not exist, with the nearest one that does as its hint."""
    names = sorted(known)
    hint = nearest(str(path[-1]), names) or f"the fields here are {', '.join(names)}"
    return FieldError(path, "unknown field", hint)


def nearest(word: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`did you mean WORD?` of the known word that is most like this one; "" if none is."""
    by_fold = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=cutoff)
    return f"did you mean {by_fold[near[0]]}?" if near else ""
