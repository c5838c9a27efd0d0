"""What a stand-in says: who answered, and who asked, as one line of JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

Note = Callable[[str], None]  # takes an access line to the container's log
Address = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """The answer to one client on one port. `facts` say who answers (pod, namespace, node, …)."""

    facts: Mapping[str, Any]
    protocol: str
    port: int
    client: Address
    note: Note

    def line(self) -> bytes:
        """The JSON object, newline included."""
        client = {"address": self.client[0], "port": self.client[1]}
        said = {**self.facts, "protocol": self.protocol, "port": self.port, "client": client}
        return msgspec.json.encode(said) + b"\n"

    def log(self, what: str) -> None:
        """Notes that the client asked `what`, in one line, whatever bytes it holds."""
        clean = "".join(letter if letter.isprintable() else "?" for letter in what)
        self.note(f"{self.client[0]}:{self.client[1]} -> {self.port}/{self.protocol} {clean}")
