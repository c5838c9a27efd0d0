"""`labctl scenario`: labs as lessons and tests, from up to down."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from labctl.cli.options import junit_option, maybe_lab_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.progress import Reporter
from labctl.cli.tables import layout
from labctl.errors import BadInput, LabError

_CHECKOUT = Path(__file__).parents[2] / "scenarios"
_INSTALLED = Path(sys.prefix) / "share/labctl/scenarios"
_DIRECTORY = _CHECKOUT if _CHECKOUT.is_dir() else _INSTALLED
_MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


@click.group(no_args_is_help=False, epilog="Example: labctl scenario run scenarios/same-node.yaml")
def scenario() -> None:
    """Run scenarios, from up to down, checked."""


@scenario.command(epilog="Example: labctl scenario run scenarios/*.yaml --junit report.xml")
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option("--keep", is_flag=True, help="Leave the lab up at the end.")
@junit_option
@output_option
@maybe_lab_option
def run(
    files: tuple[str, ...], keep: bool, junit: Path | None, output: str, lab: str | None
) -> int:
    """Run the scenarios one after the other; exit code 1 if an expectation failed."""
    from labctl.lab import host
    from labctl.scenario.document import read_scenario
    from labctl.scenario.report import ScenarioReport
    from labctl.scenario.report import junit as as_junit
    from labctl.scenario.run import Manner, not_begun
    from labctl.scenario.run import run as play

    scenarios = [read_scenario(file, lab) for file in files]  # all are read before any is run
    reports: list[ScenarioReport] = []
    problem: LabError | KeyboardInterrupt | None = None
    try:
        host.require()
        for one in scenarios:
            with Reporter() as progress:
                progress.step(f"scenario {one.name} in lab {one.lab.name}")
                reports.append(play(one, Manner(keep, progress, _teller(progress))))
    except (LabError, KeyboardInterrupt) as error:
        problem = error
        why = str(error) or "interrupted"
        reports += [not_begun(one, why) for one in scenarios[len(reports) :]]
    if junit is not None:
        junit.write_text(as_junit(reports))
    if problem is not None:
        raise problem
    _print(reports, output)
    return 0 if all(report.passed for report in reports) else 1


def _teller(progress: Reporter) -> Callable[[Any], None]:
    return lambda step: progress.step(_step_line(step))


def _step_line(step: Any) -> str:
    line = f"  {_MARKS[step.state]:8}{step.description} ({step.seconds:.1f} s)"
    return f"{line}\n          {step.detail}" if step.state == "failed" else line


def _print(reports: list[Any], output: str) -> None:
    objects = [report.as_object() for report in reports]
    if len(objects) == 1:
        whole = objects[0]
    else:
        api_version = "labctl.io/v1alpha1"
        whole = {"apiVersion": api_version, "kind": "ScenarioReportList", "items": objects}
    names = [f"scenario/{report.scenario}" for report in reports]
    emit_report(whole, output, lambda: "".join(map(_summary, reports)), lambda: names)
    for report in reports:
        if report.error:
            click.echo(f"error: {report.scenario}: {report.error}", err=True)


def _summary(report: Any) -> str:
    word = "passed" if report.passed else "FAILED"
    return f"{word}  {report.scenario} ({report.seconds:.1f} s)\n"


@scenario.command("list", epilog="Example: labctl scenario list")
@click.argument("directory", default=str(_DIRECTORY), type=click.Path())
@output_option
def list_scenarios(directory: str, output: str) -> None:
    """The scenarios in a directory, with what each teaches."""
    from labctl.scenario.document import read_scenario

    if not Path(directory).is_dir():
        there = "it is no directory" if Path(directory).exists() else "there is no such directory"
        raise BadInput(f"{directory}: {there}")
    found = [read_scenario(str(file)) for file in sorted(Path(directory).glob("*.yaml"))]
    items = [{"name": one.name, "file": one.source, "teaches": one.teaches} for one in found]
    report = {"apiVersion": "labctl.io/v1alpha1", "kind": "ScenarioList", "items": items}
    rows = [[one.name, one.source, one.teaches.partition(". ")[0]] for one in found]
    emit_report(
        report,
        output,
        lambda: layout([["NAME", "FILE", "TEACHES"], *rows]) if rows else "",
        lambda: [f"scenario/{one.name}" for one in found],
    )
