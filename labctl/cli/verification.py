"""A VerifyReport for people (claims, a matrix, failures with their evidence) and as JUnit XML.

Pure: the report is a mapping as the contract has it.
"""

from collections.abc import Callable, Iterable, Sequence
from xml.etree import ElementTree as ET

from labctl.api.objects import Obj
from labctl.cli.tables import layout

_MOST_COLUMNS = 40
_MOST_FAILURES = 20
_PASSED, _FAILED, _UNCHECKED = "✓", "✗", "·"

Cells = dict[tuple[str, str], bool]


def text(report: Obj) -> str:
    """What `labctl verify` prints."""
    failures = [check for check in report["checks"] if not check["passed"]]
    return "\n".join(
        [
            *_matrix(report["checks"]),
            *_claims(report["claims"]),
            *_failures(failures),
            *_left_out(report.get("leftOut") or ()),
            *(f"warning: {warning}" for warning in report.get("warnings") or ()),
            _verdict(report, failures),
            "",
        ]
    )


def _matrix(checks: Sequence[Obj]) -> list[str]:
    """Rows send, columns receive; one mark for all claims and protocols of a pair."""
    cells = _cells(checks, _title)
    ends = _ends(cells)
    if len(ends) > _MOST_COLUMNS:
        cells = _cells(checks, _group)
        ends = _ends(cells)
    width = max((len(end) for end in ends), default=0)
    digits = len(str(len(ends)))
    head = " ".join(str(number).rjust(digits) for number in range(1, len(ends) + 1))
    lines = [f"{'':{digits}}  {'':{width}}  {head}"]
    for number, source in enumerate(ends, start=1):
        marks = " ".join(_mark(cells, source, target).rjust(digits) for target in ends)
        lines.append(f"{number:{digits}}  {source:{width}}  {marks}")
    return [*lines, ""]


def _cells(checks: Iterable[Obj], called: Callable[[Obj], str]) -> Cells:
    cells: Cells = {}
    for check in checks:
        pair = called(check["source"]), called(check["destination"])
        cells[pair] = cells.get(pair, True) and check["passed"]
    return cells


def _ends(cells: Cells) -> list[str]:
    """Everyone, in the order of appearance; outside and nodes after the pods."""
    ends = dict.fromkeys(end for pair in cells for end in pair)
    return sorted(ends, key=lambda end: (end == "outside", end.startswith("node/")))


def _mark(cells: Cells, source: str, target: str) -> str:
    passed = cells.get((source, target))
    if passed is None:
        return _UNCHECKED
    return _PASSED if passed else _FAILED


def _title(end: Obj) -> str:
    """An endpoint: the pod's name (with its namespace, if another), `node/NAME`, `outside`."""
    if end["kind"] == "Pod":
        away = end.get("namespace", "default") != "default"
        return f"{end['name']}.{end['namespace']}" if away else str(end["name"])
    return f"node/{end['name']}" if end["kind"] == "Node" else str(end["name"])


def _group(end: Obj) -> str:
    """All pods of a node as one, where there are too many for a matrix."""
    return f"pods of {end['node']}" if end["kind"] == "Pod" else _title(end)


def _claims(claims: Sequence[Obj]) -> list[str]:
    rows = [[one["claim"], str(one["checked"]), str(one["failed"])] for one in claims]
    return [*layout([["CLAIM", "CHECKED", "FAILED"], *rows]).splitlines(), ""]


def _failures(failures: Sequence[Obj]) -> list[str]:
    lines = [line for check in failures[:_MOST_FAILURES] for line in _failure(check)]
    if len(failures) > _MOST_FAILURES:
        lines.append(f"… and {len(failures) - _MOST_FAILURES} more: see -o json")
    return [*lines, ""] if lines else []


def _failure(check: Obj) -> list[str]:
    pair = f"{_title(check['source'])} -> {_title(check['destination'])}"
    head = f"FAILED  {check['claim']} {check['protocol']} ({check['path']})  {pair}"
    return [
        head,
        f"    {check['reason']}",
        f"    sent     {_packet(check['sent'])}",
        _received(check),
    ]


def _received(check: Obj) -> str:
    if check.get("received"):
        return f"    received {_packet(check['received'])}"
    if check.get("error"):
        return f"    refused  {check['error']}"
    return "    received nothing"


def _packet(packet: Obj) -> str:
    return " ".join(f"{key}={value}" for key, value in packet.items())


def _left_out(pods: Sequence[Obj]) -> list[str]:
    lines = [f"left out: {one['namespace']}/{one['name']} ({one['reason']})" for one in pods]
    return [*lines, ""] if lines else []


def _verdict(report: Obj, failures: Sequence[Obj]) -> str:
    total, took = len(report["checks"]), report["durationSeconds"]
    if report["passed"]:
        return f"passed: {total} checks in {took:.2f} s"
    return f"FAILED: {len(failures)} of {total} checks in {took:.2f} s"


def junit(report: Obj) -> str:
    """JUnit XML: a suite a claim, a case a check."""
    suites = ET.Element("testsuites", name=f"labctl verify {report['lab']}")
    for claim in report["claims"]:
        checks = [check for check in report["checks"] if check["claim"] == claim["claim"]]
        suites.append(_suite(claim["claim"], checks))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(claim: str, checks: Sequence[Obj]) -> ET.Element:
    failed = sum(not check["passed"] for check in checks)
    suite = ET.Element(
        "testsuite", name=claim, tests=str(len(checks)), failures=str(failed), errors="0"
    )
    for check in checks:
        pair = f"{_title(check['source'])} -> {_title(check['destination'])}"
        case = ET.SubElement(suite, "testcase", classname=claim, name=f"{check['protocol']} {pair}")
        if not check["passed"]:
            failure = ET.SubElement(case, "failure", message=check["reason"])
            failure.text = "\n".join(_failure(check)[1:])
    return suite
