"""The report as JUnit XML: a suite per claim, a case per check, for CI systems to show."""

from xml.etree import ElementTree as ET

from labctl.api.objects import Obj
from labctl.verify.text import label


def junit(report: Obj) -> str:
    """A VerifyReport as a JUnit document."""
    failed = sum(not check["passed"] for check in report["checks"])
    root = ET.Element(
        "testsuites",
        name=f"labctl verify {report['lab']}",
        tests=str(len(report["checks"])),
        failures=str(failed),
        time=f"{report['durationSeconds']:.3f}",
    )
    for claim in report["claims"]:
        checks = [check for check in report["checks"] if check["claim"] == claim["claim"]]
        root.append(_suite(claim["claim"], checks))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(claim: str, checks: list[Obj]) -> ET.Element:
    failed = sum(not check["passed"] for check in checks)
    suite = ET.Element("testsuite", name=claim, tests=str(len(checks)), failures=str(failed))
    suite.extend(_case(check) for check in checks)
    return suite


def _case(check: Obj) -> ET.Element:
    ends = f"{label(check['source'])} > {label(check['destination'])}"
    size = f" {check['sent']['size']} bytes" if check["claim"] == "mtu" else ""
    case = ET.Element(
        "testcase",
        classname=f"labctl.{check['claim']}.{check['path']}",
        name=f"{check['protocol']} {ends}{size}",
    )
    if not check["passed"]:
        failure = ET.SubElement(case, "failure", message=check["reason"])
        failure.text = "\n".join(check.get("evidence", ()))
    return case
