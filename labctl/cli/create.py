"""`labctl create` and `labctl run`: objects from files, and the quick ones by name."""

from collections.abc import Sequence
from pathlib import Path

import click

from labctl.api.objects import Obj
from labctl.cli.documents import given
from labctl.cli.options import files_option, lab_option, namespace_option, output_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.session import ask
from labctl.errors import BadInput
from labctl.lab import manifests, quick
from labctl.lab.apply import create_all
from labctl.lab.manifests import Manifest
from labctl.lab.reading import read_text

_PORT = click.IntRange(1, 65535)
_SHORT = {"cm": "configmap", "deploy": "deployment", "ns": "namespace"}
_KUBECTL = frozenset(
    (
        "clusterrole", "clusterrolebinding", "cronjob", "cj", "ingress", "ing", "job",
        "poddisruptionbudget", "pdb", "priorityclass", "pc", "quota", "role", "rolebinding",
        "secret", "service", "svc", "serviceaccount", "sa", "token",
    )
)  # fmt: skip


class _QuickOnes(click.Group):
    """Takes kubectl's short words as well."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _KUBECTL:
            raise BadInput(f"no such command {cmd_name!r}", f"labctl kubectl create {cmd_name} …")
        return super().get_command(ctx, _SHORT.get(cmd_name, cmd_name))


@click.group(
    cls=_QuickOnes,
    invoke_without_command=True,
    epilog="Examples: labctl create -f web.yaml · "
    "labctl create deployment web --image nginx --replicas 3 --port 80",
)
@files_option
@namespace_option
@output_option
@lab_option
@click.pass_context
def create(
    ctx: click.Context, filenames: tuple[str, ...], namespace: str, output: str, lab: str
) -> None:
    """Create objects from files, or one by a subcommand."""
    if ctx.invoked_subcommand is not None:
        return
    if not filenames:
        raise click.UsageError("-f FILE or a subcommand is wanted", ctx)
    _create(given(filenames, namespace, lab), output, lab)


@create.command(epilog="Example: labctl create deployment web --image nginx --replicas 3 --port 80")
@click.argument("name")
@click.option("--image", "images", multiple=True, required=True, help="The container's image.")
@click.option("--replicas", type=int, default=1, help="How many pods.")
@click.option("--port", type=_PORT, help="The port that the container listens on.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@namespace_option
@output_option
@lab_option
def deployment(
    name: str,
    images: tuple[str, ...],
    replicas: int,
    port: int | None,
    command: tuple[str, ...],
    namespace: str,
    output: str,
    lab: str,
) -> None:
    """Create a Deployment NAME; words after -- are its command."""
    made = quick.deployment(name, images, replicas, port, command)
    _create_quick(made, namespace, output, lab)


@create.command("namespace", epilog="Example: labctl create namespace team-a")
@click.argument("name")
@output_option
@lab_option
def create_namespace(name: str, output: str, lab: str) -> None:
    """Create a Namespace NAME."""
    _create_quick(quick.namespace(name), "", output, lab)


@create.command(epilog="Example: labctl create configmap settings --from-literal mode=test")
@click.argument("name")
@click.option("--from-literal", "literals", multiple=True, metavar="KEY=VALUE")
@click.option("--from-file", "files", multiple=True, metavar="[KEY=]FILE")
@namespace_option
@output_option
@lab_option
def configmap(
    name: str,
    literals: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str,
    output: str,
    lab: str,
) -> None:
    """Create a ConfigMap NAME."""
    data = dict(_pair(literal, "--from-literal") for literal in literals)
    data |= dict(map(_file_entry, files))
    _create_quick(quick.configmap(name, data), namespace, output, lab)


@click.command(
    context_settings={"ignore_unknown_options": False},
    epilog="Examples: labctl run web --image nginx --port 80 · "
    "labctl run shell --image busybox -- sleep 3600",
)
@click.argument("name")
@click.option("--image", required=True, help="The container's image.")
@click.option("--port", type=_PORT, help="The port that the container listens on.")
@click.option("--env", "env", multiple=True, metavar="KEY=VALUE", help="An environment variable.")
@click.option("-l", "--labels", default="", metavar="KEY=VALUE,…", help="Labels; run=NAME else.")
@click.option(
    "--restart",
    type=click.Choice(["Always", "OnFailure", "Never"]),
    default="Always",
    help="The pod's restart policy.",
)
@click.option("--args", "as_args", is_flag=True, help="The words after -- are args, no command.")
@click.option("--node", default="", help="Put it on this node.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@namespace_option
@output_option
@lab_option
def run(
    name: str,
    image: str,
    port: int | None,
    env: tuple[str, ...],
    labels: str,
    restart: str,
    as_args: bool,
    node: str,
    arguments: tuple[str, ...],
    namespace: str,
    output: str,
    lab: str,
) -> None:
    """Run one pod NAME; words after -- are its command."""
    made = quick.pod(
        name,
        image,
        port=port,
        arguments=arguments,
        is_command=not as_args,
        env=[_pair(one, "--env") for one in env],
        labels=dict(_pair(one, "--labels") for one in labels.split(",") if one),
        restart=restart,
        node=node,
    )
    _create_quick(made, namespace, output, lab)


def _create_quick(obj: Obj, namespace: str, output: str, lab: str) -> None:
    _create([manifests.manifest(obj, namespace)], output, lab)


def _create(found: Sequence[Manifest], output: str, lab: str) -> None:
    ask(lab, lambda client: print_outcomes(create_all(client, found), output))


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadInput(f"{option} {text}: KEY=VALUE is wanted")
    return key, value


def _file_entry(text: str) -> tuple[str, str]:
    key, equals, file = text.rpartition("=")
    path = Path(file)
    return (key if equals else path.name), read_text(path, f"--from-file {text}")
