"""delete: objects go, and the caller learns when they are gone."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from labctl.api.objects import Obj, name, namespace, uid
from labctl.api.resource import Resource
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.errors import LabError, StatusError
from labctl.lab.words import printed_kind, printed_name

WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Doomed:
    """An object that shall go; its uid is known once it was asked to."""

    resource: Resource
    name: str
    namespace: str = ""
    uid: str = ""

    @property
    def label(self) -> str:
        return printed_name(self.resource, self.name)

    @property
    def sentence(self) -> str:
        """What kubectl prints: `pod "web" deleted`."""
        return f'{printed_kind(self.resource)} "{self.name}" deleted'


@dataclass(frozen=True)
class Manner:
    """How to delete: grace in seconds, cascade Background, Foreground or Orphan."""

    grace: int | None = None
    cascade: str | None = None
    ignore_not_found: bool = False


async def delete_all(
    client: Client, doomed: Iterable[Doomed], manner: Manner
) -> AsyncGenerator[Doomed, None]:
    """Asks for every deletion in turn; LabError at the end for what was not there."""
    missing = []
    for one in doomed:
        try:
            answer = await client.delete(
                one.resource,
                one.name,
                one.namespace,
                grace=manner.grace,
                propagation=manner.cascade,
            )
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            missing.append(error.message)
        else:
            yield Doomed(one.resource, one.name, one.namespace, _deleted_uid(answer))
    if missing and not manner.ignore_not_found:
        raise LabError("; ".join(missing))


def _deleted_uid(answer: Obj) -> str:
    """The server answers with the object, or with a Status whose details name it."""
    return uid(answer) or str((answer.get("details") or {}).get("uid") or "")


async def wait_gone(client: Client, one: Doomed, seconds: float = WAIT_SECONDS) -> None:
    """Returns when the object is gone, or another one has its name."""

    def is_gone(obj: Obj | None) -> bool:
        return obj is None or (bool(one.uid) and uid(obj) != one.uid)

    await wait_for(client, one.resource, one.name, one.namespace, is_gone, seconds)


def doomed_object(resource: Resource, obj: Obj) -> Doomed:
    return Doomed(resource, name(obj), namespace(obj))
