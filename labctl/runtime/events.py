"""Who wants to hear of what happens to containers, and telling them."""

from collections.abc import Callable

from labctl.cri.messages import ContainerEvent

Listener = Callable[[ContainerEvent], None]


class EventHub:
    def __init__(self) -> None:
        self._listeners: dict[Listener, str] = {}

    def subscribe(self, node: str, listener: Listener) -> None:
        """From now on `listener` hears of `node` (empty: of all), until it is unsubscribed."""
        self._listeners[listener] = node

    def unsubscribe(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)

    def publish(self, event: ContainerEvent) -> None:
        for listener, node in tuple(self._listeners.items()):
            if node in ("", event.node) or not event.node:
                listener(event)
