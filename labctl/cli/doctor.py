"""`labctl doctor`: can this host run a lab?"""

import click

from labctl.cli.options import output_option
from labctl.cli.output import emit_report
from labctl.errors import HostCannot

_MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


@click.command(epilog="Example: labctl doctor")
@output_option
def doctor(output: str) -> int:
    """Check this host by asking it, and by building a tiny lab; says what is missing."""
    from labctl.lab.doctor import Check, examine

    def tell(check: Check) -> None:
        click.echo(f"{_MARKS[check.state]:8} {check.name}: {check.message}")
        if check.fix and check.state != "ok":
            click.echo(f"{'':8} hint: {check.fix}")

    report = examine(tell if output in ("", "wide") else lambda _check: None)
    names = [f"check/{check['check']}" for check in report["checks"]]
    emit_report(report, output, lambda: "", lambda: names)
    return 0 if report["passed"] else HostCannot.exit_code
