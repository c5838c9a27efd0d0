"""`labctl kubeconfig` and `labctl kubectl`: the real kubectl, pointed at the lab."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from labctl import names
from labctl.cli import output
from labctl.cli.options import lab_option
from labctl.errors import BadInput, LabError
from labctl.lab import connect, processes
from labctl.lab.host import require_root


def _kubeconfig(lab: str) -> Path:
    require_root()
    connect.require(lab)
    file = names.kubeconfig_file(lab)
    if not file.exists() or not processes.is_up(lab):
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


class _PassThrough(click.Command):
    """A command whose words are another program's: of click's own, only --lab is taken out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        lab, words = _split_lab(args)
        if words in (["--help"], ["-h"]):
            click.echo(self.get_help(ctx))
            ctx.exit()
        # click would swallow the `--` that kubectl needs, were it not for one before it
        return super().parse_args(ctx, [*(["--lab", lab] if lab else []), "--", *words])


def _split_lab(words: Sequence[str]) -> tuple[str, list[str]]:
    """The value of `--lab` (kubectl has no such flag) and the other words, `--` and after as is."""
    lab, kept = "", list[str]()
    rest = iter(words)
    for word in rest:
        if word == "--":
            return lab, [*kept, *([word] if kept else []), *rest]
        if word == "--lab":
            lab = next(rest, word)  # without a value it is no name, which is said
        elif word.startswith("--lab="):
            lab = word.removeprefix("--lab=")
        else:
            kept.append(word)
    return lab, kept


@click.command(
    cls=_PassThrough,
    context_settings={"help_option_names": []},
    epilog="Example: labctl kubectl get pods -o wide",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@lab_option
def kubectl(arguments: tuple[str, ...], lab: str) -> None:
    """Run the kubectl on PATH, or of labctl's own environment, with the lab's kubeconfig.

    All words but --lab are kubectl's (its own help is `labctl kubectl help`); its exit code is
    labctl's.
    """
    config = _kubeconfig(lab)
    program = shutil.which("kubectl") or shutil.which("kubectl", path=Path(sys.executable).parent)
    if program is None:
        raise LabError("kubectl is not on PATH", "sudo apt-get install -y kubernetes-client")
    sys.stdout.flush()
    os.execve(  # noqa: S606 - the user asked for exactly this program
        program, ["kubectl", *arguments], {**os.environ, "KUBECONFIG": str(config)}
    )
