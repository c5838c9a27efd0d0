"""`labctl version`."""

import click

from labctl import __version__
from labctl.api.version import version_info
from labctl.cli.options import output_option
from labctl.cli.output import emit_report


@click.command(epilog="Example: labctl version -o json")
@output_option
def version(output: str) -> None:
    """Print labctl's version, and the Kubernetes version that its API speaks."""
    report = {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "Version",
        "version": __version__,
        "kubernetes": version_info()["gitVersion"],
    }
    emit_report(report, output, lambda: _text(report), lambda: [__version__])


def _text(report: dict[str, str]) -> str:
    return f"labctl {report['version']} (Kubernetes API {report['kubernetes']})\n"
