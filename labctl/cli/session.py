"""From a command to the lab's API and back, with the exit codes of the contract."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.lab import connect
from labctl.lab.host import require_root

T = TypeVar("T")


def ask(lab: str, question: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
    """Runs `question` with the lab's API; NoSuchLab when there is no lab, or nobody answers."""
    require_root()
    client = connect.client(lab)
    try:
        return asyncio.run(question(client))
    except StatusError as error:
        if is_unreachable(error):
            raise connect.not_up(lab) from error
        raise


def is_unreachable(error: StatusError) -> bool:
    return error.code == 503 and error.message.startswith("cannot reach the API server")
