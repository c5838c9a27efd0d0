"""A sabotage is tried: sound before, broken as the table says, sound again after the mend."""

import re
from collections.abc import Callable

from labctl.api.objects import Obj
from labctl.verify.plan import PROTOCOLS
from tests.sabotage.table import Sabotage, Site

Verify = Callable[[str], Obj]  # a protocol's report


def failures(report: Obj) -> list[str]:
    """The failed checks of a report, a line each."""
    return [
        f"{check['claim']} {check['protocol']} {check['path']} "
        f"{check['source']['name']} > {check['destination']['name']}: {check['reason']}"
        for check in report["checks"]
        if not check["passed"]
    ]


def try_sabotage(sabotage: Sabotage, at: Site, verify: Verify) -> None:
    """Asserts that verify passes right before, fails as it should right after, and passes again."""
    assert failures(verify(sabotage.protocol)) == []
    at.run(sabotage.breaks)
    try:
        report = verify(sabotage.protocol)
        spared = verify(_another(sabotage.protocol)) if sabotage.protocol != "icmp" else None
    finally:
        at.run(sabotage.mends)
    assert_says(sabotage, at, report)
    assert spared is None or failures(spared) == []
    assert failures(verify(sabotage.protocol)) == []


def _another(protocol: str) -> str:
    return next(other for other in PROTOCOLS if other != protocol)


def assert_says(sabotage: Sabotage, at: Site, report: Obj) -> None:
    """Asserts that a report fails in the claims of the table, and has its reason."""
    lines = "\n".join(failures(report))
    failed = {claim["claim"] for claim in report["claims"] if claim["failed"]}
    assert failed == sabotage.claims, lines
    quoted = {key: re.escape(value) for key, value in at.fields.items()}
    pattern = re.compile(sabotage.reason.format_map(quoted))
    assert any(
        pattern.search(check["reason"])
        for check in report["checks"]
        if (check["claim"], check["path"], check["passed"])
        == (sabotage.claim, sabotage.path, False)
    ), f"{pattern.pattern}\n{lines}"
