"""The files of a command: read, and checked against the kinds that the lab has."""

from collections.abc import Iterable

from labctl.api.resources import BUILT_IN
from labctl.cli.session import ask
from labctl.client.discovery import discover
from labctl.lab import connect, manifests
from labctl.lab.manifests import Manifest


def given(filenames: Iterable[str], space: str, lab: str) -> list[Manifest]:
    """The manifests of files; asks the lab for kinds that are not built in. BadInput for bad ones."""
    documents = manifests.read(filenames)
    catalog = BUILT_IN
    if connect.is_there(lab) and not manifests.are_known(documents, catalog):
        catalog = catalog.beside(ask(lab, discover))
    return manifests.given(documents, space, catalog)
