"""The report as a person reads it: counts, a matrix of who reaches whom, and what failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from labctl.api.objects import Obj
from labctl.verify.plan import MTU

MANY = 16  # pods; of more, the matrix shows nodes' pods together
_SHOWN = 20  # failures that are told one by one
_PASSED, _FAILED, _SIZE, _NONE = ".", "X", "m", " "
_LEGEND = f"{_PASSED} reached   {_FAILED} failed   {_SIZE} only packets of full size failed"

Cells = Mapping[tuple[str, str], str]


def text(report: Obj) -> str:
    """A VerifyReport as plain text, to be shown on a terminal."""
    parts = [
        _headline(report),
        "\n".join(_claims(report)),
        "\n".join(_matrix(report)),
        "\n".join(_failures(report)),
        "\n".join(_remarks(report)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(report: Obj) -> str:
    checks = report["checks"]
    failed = sum(not check["passed"] for check in checks)
    verdict = "passed" if report["passed"] else f"FAILED, {failed} of them"
    return (
        f"lab {report['lab']}: {len(checks)} checks in {report['durationSeconds']:.2f} s: {verdict}"
    )


def _claims(report: Obj) -> Iterator[str]:
    yield f"{'CLAIM':<12} {'CHECKED':>8} {'FAILED':>7}"
    for claim in report["claims"]:
        yield f"{claim['claim']:<12} {claim['checked']:>8} {claim['failed']:>7}"


def label(end: Mapping[str, str]) -> str:
    """An end of a check: `default/web`, `node1`, `outside`."""
    return f"{end['namespace']}/{end['name']}" if end.get("namespace") else end["name"]


def _group(end: Mapping[str, str]) -> str:
    return f"pods on {end['node']}" if end["kind"] == "Pod" else label(end)


def _matrix(report: Obj) -> Iterator[str]:
    checks = report["checks"]
    pods = {label(end) for end in _ends(checks) if end["kind"] == "Pod"}
    name = label if len(pods) <= MANY else _group
    order = {"Pod": 0, "Node": 1, "Outside": 2}
    ends = sorted(_ends(checks), key=lambda end: (order[end["kind"]], end.get("node", "")))
    names = list(dict.fromkeys(name(end) for end in ends))
    cells = _cells((name(check["source"]), name(check["destination"]), check) for check in checks)
    width = max(map(len, names))
    columns = [max(len(str(number)), 1) for number in range(1, len(names) + 1)]
    heads = " ".join(f"{number:>{columns[number - 1]}}" for number in range(1, len(names) + 1))
    yield f"{'FROM':<{width + 4}} TO {heads}"
    for number, source in enumerate(names, 1):
        row = " ".join(
            f"{cells.get((source, to), _NONE):>{columns[i]}}" for i, to in enumerate(names)
        )
        yield f"{number:>3} {source:<{width}}    {row}".rstrip()
    yield _LEGEND


def _ends(checks: Iterable[Obj]) -> list[Obj]:
    """Everyone in the checks, once, in the order of their first check."""
    found: dict[str, Obj] = {}
    for check in checks:
        for end in (check["source"], check["destination"]):
            found.setdefault(label(end), end)
    return list(found.values())


def _cells(checks: Iterable[tuple[str, str, Obj]]) -> Cells:
    """What the matrix shows where a source's row meets a destination's column."""
    cells: dict[tuple[str, str], str] = {}
    for source, destination, check in checks:
        old = cells.get((source, destination), _PASSED)
        new = _PASSED if check["passed"] else _SIZE if check["claim"] == MTU else _FAILED
        worst = max(old, new, key=(_PASSED, _SIZE, _FAILED).index)
        cells[source, destination] = worst
    return cells


def _failures(report: Obj) -> Iterator[str]:
    failed = [check for check in report["checks"] if not check["passed"]]
    proven: set[tuple[str, str]] = set()  # evidence is shown once for each kind of failure
    for check in failed[:_SHOWN]:
        yield failure(check)
        kind = check["claim"], check["reason"].partition(" ")[0]
        if kind not in proven:
            proven.add(kind)
            yield from (f"    {line}" for line in check.get("evidence", ()))
    rest = Counter((check["claim"], check["protocol"]) for check in failed[_SHOWN:])
    if rest:
        more = ", ".join(f"{count} {claim} {word}" for (claim, word), count in rest.items())
        yield f"and {sum(rest.values())} more: {more} (see -o json)"


def failure(check: Obj) -> str:
    """A failed check in one line."""
    return (
        f"{check['claim']} {check['protocol']} {check['path']}: "
        f"{label(check['source'])} > {label(check['destination'])}: {check['reason']}"
    )


def _remarks(report: Obj) -> Iterator[str]:
    for one in report.get("leftOut", ()):
        yield f"left out: {one['namespace']}/{one['name']}: {one['reason']}"
    for warning in report.get("warnings", ()):
        yield f"warning: {warning}"
