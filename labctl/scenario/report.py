"""What became of a scenario: the ScenarioReport, as JSON, as text and as JUnit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

API_VERSION = "labctl.io/v1alpha1"


@dataclass(frozen=True)
class StepReport:
    """One step: `detail` is what was seen, or why it failed. A skipped one was never tried."""

    description: str
    state: str  # passed, failed, skipped
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class ScenarioReport:
    """All steps of a scenario; `error` says why it could not even begin."""

    scenario: str
    lab: str
    source: str
    steps: tuple[StepReport, ...]
    seconds: float
    error: str = ""

    @property
    def passed(self) -> bool:
        return not self.error and all(step.state == "passed" for step in self.steps)

    def as_object(self) -> dict[str, Any]:
        return {
            "apiVersion": API_VERSION,
            "kind": "ScenarioReport",
            "scenario": self.scenario,
            "lab": self.lab,
            "file": self.source,
            "passed": self.passed,
            "durationSeconds": round(self.seconds, 3),
            "error": self.error,
            "steps": [
                {
                    "description": step.description,
                    "state": step.state,
                    "durationSeconds": round(step.seconds, 3),
                    "detail": step.detail,
                }
                for step in self.steps
            ],
        }


def junit(reports: Sequence[ScenarioReport]) -> str:
    """JUnit XML: a suite a scenario, a case a step."""
    suites = ET.Element("testsuites")
    for report in reports:
        suites.append(_suite(report))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(report: ScenarioReport) -> ET.Element:
    count = {state: sum(s.state == state for s in report.steps) for state in ("failed", "skipped")}
    suite = ET.Element(
        "testsuite",
        name=report.scenario,
        tests=str(len(report.steps)),
        failures=str(count["failed"]),
        skipped=str(count["skipped"]),
        errors=str(int(bool(report.error))),
        time=f"{report.seconds:.3f}",
    )
    if report.error:
        case = ET.SubElement(suite, "testcase", name="up", classname=report.scenario)
        ET.SubElement(case, "error", message=report.error)
    for step in report.steps:
        suite.append(_case(report, step))
    return suite


def _case(report: ScenarioReport, step: StepReport) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=step.description,
        classname=report.scenario,
        time=f"{step.seconds:.3f}",
    )
    if step.state == "failed":
        ET.SubElement(case, "failure", message=step.detail)
    elif step.state == "skipped":
        ET.SubElement(case, "skipped")
    return case
