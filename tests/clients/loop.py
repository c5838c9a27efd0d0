"""An event loop for libraries that leave connections to it half closed."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from typing import Any

_SECONDS = 60.0


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a flow. A TLS connection takes its time to close, which nobody gives it at the end of a
    loop; that what is then collected was open is no fault of the server's.
    """
    try:
        asyncio.run(asyncio.wait_for(main, _SECONDS))
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
