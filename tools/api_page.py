"""The table of kinds in docs/api.md, made from the kinds themselves.

`python -m tools.api_page --write` puts it between the page's two marks; tests/test_api_page.py compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from labctl.api.resource import ALL_VERBS, Resource
from labctl.api.resources import COMPUTED, RESOURCES

PAGE = Path(__file__).parent.parent / "docs/api.md"
BEGIN, END = "<!-- kinds: made by tools/api_page.py -->", "<!-- end of kinds -->"


def table() -> str:
    """Every kind that is served: where, with what, and whether anything acts on it."""
    head = (
        "| kind | group and version | subresources | verbs | |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(f"{row}\n" for row in _rows())


def with_table(page: str) -> str:
    """The page with its table as it has to be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def _rows() -> Iterator[str]:
    for resource in sorted(RESOURCES, key=_place):
        what = "acted upon" if resource.acted_upon else "stored only"
        yield _row(resource, what)
    for resource in sorted(COMPUTED, key=_place):
        yield _row(resource, "computed, not stored")


def _row(resource: Resource, what: str) -> str:
    verbs = "all" if set(resource.verbs) == set(ALL_VERBS) else ", ".join(resource.verbs)
    subresources = ", ".join(resource.subresources)
    return f"| {resource.kind} | {resource.api_version} | {subresources} | {verbs} | {what} |"


def _place(resource: Resource) -> tuple[str, str, str]:
    return (resource.group, resource.kind, resource.version)


if __name__ == "__main__":
    made = with_table(PAGE.read_text())
    if "--write" in sys.argv[1:]:
        PAGE.write_text(made)
    else:
        sys.stdout.write(made)
