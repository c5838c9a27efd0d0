"""From a command to the lab's API and back, with the exit codes of the contract."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from labctl.api.catalog import Catalog
from labctl.api.resources import BUILT_IN
from labctl.client.client import Client
from labctl.errors import LabError, StatusError
from labctl.lab import connect
from labctl.lab.host import require_root
from labctl.lab.words import are_built_in, catalog_for

T = TypeVar("T")


def ask(lab: str, question: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    """Runs `question` with the lab's API; NoSuchLab when there is no lab, or nobody answers."""
    require_root()
    client = connect.client(lab)
    try:
        return asyncio.run(question(client))
    except StatusError as error:
        if is_unreachable(error):
            raise connect.silent(lab) from error
        raise


def kinds(lab: str, words: Sequence[str]) -> Catalog:
    """Where the words of a command are looked up; asks the lab for kinds that are not built in."""
    if are_built_in(words) or not connect.is_there(lab):
        return BUILT_IN
    return ask(lab, lambda client: catalog_for(client, words))


@contextlib.contextmanager
def asking_for_a_container() -> Iterator[None]:
    """A node answers 400 for a container that has not begun, too: no fault of the user's."""
    try:
        yield
    except StatusError as error:
        if error.reason == "BadRequest":
            raise LabError(error.message) from error
        raise


def is_unreachable(error: StatusError) -> bool:
    return error.code == 503 and error.message.startswith("cannot reach the API server")
