"""`labctl image`: loads images into the lab's store, lists and removes them."""

import click

from labctl.api.objects import Obj
from labctl.cli.options import completer, lab_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.richly import table

_MIB = 2**20


@click.group(no_args_is_help=False, epilog="Example: labctl image load busybox.tar")
def image() -> None:
    """Images of the lab: pods run what is loaded here before anything else."""


@image.command(
    epilog="Examples: labctl image load ./layout --name web:1 · labctl image load busybox.tar"
)
@click.argument("path", type=click.Path(), metavar="OCI-DIR|OCI.tar")
@click.option("--name", default="", metavar="REF", help="Its name, for one that brings none.")
@output_option
@lab_option
def load(path: str, name: str, output: str, lab: str) -> None:
    """Load an image from an OCI layout, or from what `docker save` wrote."""
    from labctl.lab import images
    from labctl.lab.host import require_root

    require_root()
    report, loaded = images.load(lab, path, name)
    emit_report(
        report,
        output,
        lambda: "".join(f"Loaded image: {one}\n" for one in loaded),
        lambda: [f"image/{one}" for one in loaded],
    )


@image.command("list", epilog="Examples: labctl image list · labctl image list -o wide")
@output_option
@lab_option
def list_images(output: str, lab: str) -> None:
    """The images that are loaded."""
    from labctl.lab import images
    from labctl.lab.host import require_root

    require_root()
    report = images.image_list(lab)
    items = report["items"]
    if not items and output in ("", "wide"):
        click.echo("No images are loaded.", err=True)
    emit_report(
        report,
        output,
        lambda: _list_text(items, wide=output == "wide"),
        lambda: _names(report),
    )


@image.command("rm", epilog="Example: labctl image rm busybox:1.36")
@click.argument(
    "refs", nargs=-1, required=True, metavar="REF…", shell_complete=completer("complete_image")
)
@lab_option
def remove(refs: tuple[str, ...], lab: str) -> None:
    """Remove images, by name or id."""
    from labctl.lab import images
    from labctl.lab.host import require_root

    require_root()
    for line in images.remove(lab, refs):
        click.echo(line)


def _names(report: Obj) -> list[str]:
    return [f"image/{(one['names'] or [one['id']])[0]}" for one in report["items"]]


def _list_text(items: list[Obj], *, wide: bool) -> str:
    rows = [row for one in items for row in _rows(one, wide=wide)]
    header = ["IMAGE", "ID", "SIZE", "LOADED"] + (["LAYERS", "DIGEST", "USED BY"] if wide else [])
    return table(header, rows) if rows else ""


def _rows(item: Obj, *, wide: bool) -> list[list[str]]:
    digits = item["id"].partition(":")[2][:12]
    facts = [digits, f"{item['size'] / _MIB:.1f} MiB", item["loadedAt"]]
    if wide:
        used = ", ".join(item["containers"]) or "-"
        facts += [str(item["layers"]), item["digest"] or "-", used]
    return [[name, *facts] for name in item["names"] or ["<none>"]]
