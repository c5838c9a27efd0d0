"""`labctl up` and `labctl down`."""

from dataclasses import replace

import click

from labctl.cli.options import maybe_lab_option
from labctl.cli.progress import Reporter, counted
from labctl.lab.wish import Wish
from labctl.names import DEFAULT_LAB


@click.command(
    epilog="Examples: labctl up · labctl up --nodes 5 --backend vxlan · labctl up lab.yaml"
)
@click.argument("file", required=False, type=click.Path(), metavar="[FILE]")
@click.option("--nodes", type=int, metavar="N", help="How many nodes; 3 in a new lab.")
@click.option("--backend", type=click.Choice(["host-gw", "vxlan"]), help="How pods cross nodes.")
@click.option(
    "--store",
    metavar="ENGINE",
    help="Where state is kept, for good: sqlite (a new lab's), etcd (one that the lab starts), "
    "or etcd=URL[,URL…] (one that runs).",
)
@maybe_lab_option
def up(
    file: str | None, nodes: int | None, backend: str | None, store: str | None, lab: str | None
) -> None:
    """Make the lab, or make it as it shall be, and return when every node is Ready.

    FILE (or `-`) may hold a Lab and manifests. What is not given stays as it is.
    """
    from labctl.lab import host
    from labctl.lab.up import up as bring_up

    wish = replace(_wish(file, lab), nodes=nodes, backend=backend, store=store)
    host.require()
    with Reporter() as progress:
        spec = bring_up(wish, progress)
        ready = counted(len(spec.nodes), "nodes Ready")
        progress.step(f"lab {spec.name}: {ready} ({spec.network.backend})")


def _wish(file: str | None, lab: str | None) -> Wish:
    """What a file asks for, checked: its Lab and its manifests."""
    from labctl.api.lab import LAB_KIND
    from labctl.lab import manifests
    from labctl.lab.lab_files import read_lab

    if file is None:
        return Wish(lab or DEFAULT_LAB)
    documents = manifests.read([file])
    labs = [document for document in documents if document.kind == LAB_KIND]
    if len(labs) > 1:
        raise labs[1].error(("kind",), "a file holds at most one Lab")
    document, name = None, lab or DEFAULT_LAB
    if labs:
        document, spec = read_lab(labs[0], lab)
        name = spec.name
    strangers = [one for one in documents if not one.is_manifest and one.kind != LAB_KIND]
    if strangers:
        manifests.check_kinds(strangers)
        problem = f"a {strangers[0].kind} is not for up"
        raise strangers[0].error(("kind",), problem, "labctl scenario run FILE")
    return Wish(name, document, manifests=tuple(manifests.prepare(documents)))


@click.command(epilog="Examples: labctl down · labctl down --all")
@click.option("--all", "all_labs", is_flag=True, help="Every lab of this machine.")
@maybe_lab_option
def down(all_labs: bool, lab: str | None) -> None:
    """Take the lab away, its state included, and return when nothing is left."""
    from labctl.lab.down import down as take_down
    from labctl.lab.down import down_all

    with Reporter() as progress:
        if all_labs:
            down_all(progress)
        elif not take_down(lab or DEFAULT_LAB, progress):
            progress.step(f"there is no lab {lab or DEFAULT_LAB}")
