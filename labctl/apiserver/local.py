"""The API for components of the same process: the whole chain, without a socket or JSON.

Whoever holds a transport is the user that it was made for; authorization is asked as for anyone.
Answers and watch events are the cache's own objects, shared with everybody: they must not be
changed.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from labctl.api import status
from labctl.api.objects import Obj
from labctl.apiserver.answers import Answer, Stream
from labctl.apiserver.request import Identity, Request, Target, verb_of

Locator = Callable[[str], Awaitable[Target | None]]
Handler = Callable[[Request], Awaitable[Answer | Stream]]


class LocalTransport:
    """A client's Transport that ends in this process."""

    def __init__(self, locate: Locator, handle: Handler, user: Identity) -> None:
        self._locate = locate
        self._handle = handle
        self._user = user

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
        """The answer, as an object; raises StatusError."""
        request = await self._request(method, path, query, body, content_type, accept)
        answer = await self._handle(request)
        if isinstance(answer, Stream):
            await answer.portions.aclose()
            raise status.bad_request("a watch has no single answer")
        return answer.object()

    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[Obj, None]:
        """The events of a watch; raises StatusError before the first if it cannot begin."""
        request = await self._request("GET", path, {"watch": "true", **query}, None, "", "")
        answer = await self._handle(request)
        if not isinstance(answer, Stream):
            raise status.bad_request(f"{path} cannot be watched")
        async with aclosing(answer.portions) as portions:
            async for lines in portions:
                for line in lines:
                    yield {"type": line.type, "object": line.object}

    async def close(self) -> None:
        """Nothing to close."""

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        content_type: str,
        accept: str,
    ) -> Request:
        target = await self._locate(path)
        if target is None:
            raise status.no_such_path()
        verb = verb_of(method, target, query)
        return Request(verb, target, self._user, query, body, content_type, accept)
