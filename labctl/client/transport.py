"""How a request reaches an API server: the one seam between its clients and the wire.

`HttpTransport` has a socket below it; the API server gives out one that enters its request chain
directly, for the controllers of its own process. Both answer with decoded objects and raise
`StatusError` for every failure, an unreachable server included (503, ServiceUnavailable).
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from labctl.api.objects import Obj
from labctl.errors import StatusError

AGENT = "labctl"
"""What labctl calls itself (User-Agent), and what its writes are put down to."""


class Transport(Protocol):
    """Carries one request, or one watch, to an API server."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = {},
        body: Obj | list[Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Obj:
        """The decoded answer; raises StatusError. `body` is a list only for a JSON patch."""
        ...

    def stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[Obj, None]:
        """Decoded watch events `{"type", "object"}`; closing the generator ends the request."""
        ...

    async def close(self) -> None: ...


def unreachable(server: str, why: BaseException) -> StatusError:
    """What a client raises when no answer came: nothing is known of what the server did."""
    text = str(why) or type(why).__name__
    return StatusError(
        {
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "reason": "ServiceUnavailable",
            "code": 503,
            "message": f"cannot reach the API server at {server}: {text}",
        }
    )
