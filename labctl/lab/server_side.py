"""Server-side apply: the server makes of each manifest what is there, and watches over its fields."""

from collections.abc import AsyncGenerator, Iterable

from labctl.api.objects import Obj, name, namespace, without_nulls
from labctl.api.patches import APPLY_PATCH
from labctl.client.client import Client
from labctl.client.transport import AGENT
from labctl.errors import StatusError
from labctl.lab.apply import Outcome, check_named, wait_served
from labctl.lab.manifests import Manifest
from labctl.lab.words import printed_name


async def apply_on_server(
    client: Client, manifests: Iterable[Manifest], *, force: bool
) -> AsyncGenerator[Outcome, None]:
    """Has each tried first, so that a conflict changes nothing.

    `force` takes over what others manage; without it that is a StatusError (Conflict).
    """
    found = list(manifests)
    for one in found:
        await _try(client, one, force=force)
    for one in found:
        obj = await _apply(client, one, force=force, dry_run=False)
        await wait_served(client, one)
        yield Outcome(printed_name(one.resource, name(obj)), "serverside-applied", obj)


async def _try(client: Client, one: Manifest, *, force: bool) -> None:
    """Raises what applying would; that its namespace or kind is not there may be since it comes along."""
    try:
        await _apply(client, one, force=force, dry_run=True)
    except StatusError as error:
        if error.reason != "NotFound":
            raise


async def _apply(client: Client, one: Manifest, *, force: bool, dry_run: bool) -> Obj:
    check_named(one)
    return await client.transport.request(
        "PATCH",
        one.resource.path(namespace(one.obj), name(one.obj)),
        query={
            "fieldManager": AGENT,
            "force": str(force).lower(),
            **({"dryRun": "All"} if dry_run else {}),
        },
        body=without_nulls(one.obj),
        content_type=APPLY_PATCH,
    )
