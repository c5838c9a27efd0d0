"""`labctl get`: the server's Tables as kubectl lays them out, or the objects themselves."""

import click

from labctl.api.objects import Obj
from labctl.cli import listing, output, watching
from labctl.cli.completion import complete_object
from labctl.cli.listing import Look, Query
from labctl.cli.options import lab_option, namespace_option, output_option, selector_option
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.errors import LabError
from labctl.lab.words import check_scope, targets

_EXAMPLES = "Examples: labctl get pods -o wide · labctl get events -w · labctl get all -A"


@click.command(epilog=_EXAMPLES)
@click.argument("words", nargs=-1, metavar="KIND [NAME...]", shell_complete=complete_object)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@selector_option
@click.option("--field-selector", default="", metavar="SELECTOR", help="As status.phase=Running.")
@click.option("-w", "--watch", is_flag=True, help="Then print changes as they come.")
@click.option("--watch-only", is_flag=True, help="Only changes.")
@click.option("--show-labels", is_flag=True, help="A last column with all labels.")
@click.option("--no-headers", is_flag=True, help="Rows only.")
@click.option("--sort-by", default="", metavar="PATH", help="Sort by a field: .metadata.name.")
@click.option("--show-managed-fields", is_flag=True, help="In JSON and YAML, who wrote what.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@output_option
@lab_option
def get(
    words: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    field_selector: str,
    watch: bool,
    watch_only: bool,
    show_labels: bool,
    no_headers: bool,
    sort_by: str,
    show_managed_fields: bool,
    ignore_not_found: bool,
    output: str,
    lab: str,
) -> None:
    """Print objects: KIND, KIND,KIND, KIND NAME or KIND/NAME; `all` for what runs."""
    found = tuple(targets(words, kinds(lab, words)))
    check_scope(found, all_namespaces=all_namespaces)
    space = "" if all_namespaces else namespace
    query = Query(
        found, space, selector, field_selector, sort_by, ignore_not_found, show_managed_fields
    )
    several = len({target.resource for target in found}) > 1
    look = Look(output == "wide", show_labels, not no_headers, all_namespaces, several)
    form = "" if output == "wide" else output
    if watch or watch_only:
        ask(lab, lambda client: watching.watch(client, query, look, form, only_changes=watch_only))
    else:
        ask(lab, lambda client: _print(client, query, look, form))


async def _print(client: Client, query: Query, look: Look, form: str) -> None:
    if form:
        missing = await _print_objects(client, query, form)
    else:
        missing = await _print_tables(client, query, look)
    if missing:
        raise LabError("; ".join(missing))


async def _print_objects(client: Client, query: Query, form: str) -> list[str]:
    """Prints what is there, and returns sentences on what is not."""
    found, missing = await listing.fetch_each(
        query, lambda target: listing.fetch_objects(client, query, target)
    )
    objects = listing.in_order([obj for objects in found for obj in objects], query)
    if objects or not missing:
        output.emit(_data(objects, query, form))
    return missing


async def _print_tables(client: Client, query: Query, look: Look) -> list[str]:
    """Prints what is there, and returns sentences on what is not."""
    found, missing = await listing.fetch_each(
        query, lambda target: listing.fetch_table(client, query, target)
    )
    text = listing.print_tables(found, look)
    output.emit(text)
    if not text and not missing and not query.ignore_not_found:
        click.echo(_nothing(query), err=True)
    return missing


def _data(objects: list[Obj], query: Query, form: str) -> str:
    if form == "name":
        return "".join(f"{label}\n" for label in listing.object_names(objects))
    if query.of_one_object:
        return _formatted(objects[0], query, form) if objects else ""
    return _formatted(listing.as_list(objects), query, form)


def _formatted(obj: Obj, query: Query, form: str) -> str:
    return listing.format_object(obj, form, managed_fields=query.managed_fields)


def _nothing(query: Query) -> str:
    namespaced = any(target.resource.namespaced for target in query.targets)
    where = f" in {query.namespace} namespace." if namespaced and query.namespace else ""
    return f"No resources found{where}"
