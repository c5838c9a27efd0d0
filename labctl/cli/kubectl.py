"""`labctl kubeconfig` and `labctl kubectl`: the real kubectl, pointed at the lab."""

import os
import shutil
import sys
from pathlib import Path

import click

from labctl import names
from labctl.cli import output
from labctl.cli.options import lab_option
from labctl.errors import BadInput, LabError
from labctl.lab import connect
from labctl.lab.host import require_root


def _kubeconfig(lab: str) -> Path:
    require_root()
    connect.require(lab)
    file = names.kubeconfig_file(lab)
    if not file.exists():
        raise connect.not_up(lab)
    return file


@click.command(epilog="Example: labctl kubeconfig --write ~/.kube/lab.yaml")
@click.option("--write", "target", type=click.Path(), metavar="FILE", help="Into FILE (mode 0600).")
@lab_option
def kubeconfig(target: str | None, lab: str) -> None:
    """Print a kubeconfig with which kubectl is admin of the lab, through 127.0.0.1."""
    text = _kubeconfig(lab).read_text()
    if target is None:
        output.emit(text)
        return
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)  # it may have been there with another mode
            file.write(text)
    except OSError as error:
        raise BadInput(f"--write {target}: {error.strerror}") from error


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    epilog="Example: labctl kubectl get pods -o wide",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def kubectl(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run the kubectl on PATH with the lab's kubeconfig; its exit code is labctl's."""
    from labctl.cli.options import DEFAULT_LAB, given_lab

    config = _kubeconfig(given_lab(ctx, None) or DEFAULT_LAB)
    program = shutil.which("kubectl")
    if program is None:
        raise LabError("kubectl is not on PATH", "sudo apt-get install -y kubernetes-client")
    sys.stdout.flush()
    os.execve(  # noqa: S606 - the user asked for exactly this program
        program, ["kubectl", *arguments], {**os.environ, "KUBECONFIG": str(config)}
    )
