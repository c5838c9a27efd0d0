"""`labctl support-bundle`: everything about a lab in one file, without its secrets."""

from datetime import datetime
from pathlib import Path

import click

from labctl.cli.options import checked_file, lab_option


@click.command("support-bundle", epilog="Example: labctl support-bundle -o bug.tar.gz")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(),
    callback=checked_file,
    metavar="FILE",
    help="Where to; labctl-LAB-TIME.tar.gz in this directory by default.",
)
@lab_option
def support_bundle(file: Path | None, lab: str) -> None:
    """Write logs, objects, plans, kernel state and versions into one file, for a bug report.

    It works on a lab that is half dead, too; index.json in it says what is missing, and why. Data
    of Secrets, values of environment variables, tokens, keys and pods' logs are left out.
    """
    from labctl.lab.bundle import write_bundle
    from labctl.lab.host import require_root

    require_root()
    when = datetime.now().strftime("%Y%m%d-%H%M%S")  # noqa: DTZ005 - the user's own time
    summary = write_bundle(lab, file or Path(f"labctl-{lab}-{when}.tar.gz"))
    for line in summary.missing:
        click.echo(f"missing: {line}", err=True)
    click.echo(summary.file)
