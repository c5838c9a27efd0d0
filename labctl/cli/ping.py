"""`labctl ping`: from a namespace of the lab to anywhere in it."""

import click

from labctl.cli.completion import complete_endpoint
from labctl.cli.options import lab_option, namespace_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.lab.ping import Reply, check_source
from labctl.lab.ping import ping as send
from labctl.lab.places import Place, find_place

_EXAMPLES = "Examples: labctl ping deploy/web outside · labctl ping node/node1 web-abc -c 5"


@click.command(epilog=_EXAMPLES)
@click.argument("source", shell_complete=complete_endpoint)
@click.argument("destination", shell_complete=complete_endpoint)
@click.option("-c", "--count", type=click.IntRange(1, 65535), default=3, help="How many; 3.")
@click.option("-i", "--interval", type=click.FloatRange(0), default=0.2, help="Seconds between.")
@click.option("-W", "--timeout", type=click.FloatRange(0), default=1.0, help="Seconds to wait.")
@namespace_option
@output_option
@lab_option
def ping(
    source: str,
    destination: str,
    count: int,
    interval: float,
    timeout: float,
    namespace: str,
    output: str,
    lab: str,
) -> int:
    """Ping DESTINATION from SOURCE: a pod, NAME.NAMESPACE, deploy/NAME, node/NAME or outside.

    DESTINATION may be an address too. Exit code 1 when an answer is missing. Ctrl-C ends it early,
    with what came until then.
    """
    there, here = ask(lab, lambda client: _places(client, lab, (destination, source), namespace))
    check_source(here)
    text = output in ("", "wide")
    if text:
        click.echo(f"PING {there.title} ({there.ip}) from {here.title} ({here.ip})")
    outcome = send(
        here,
        there,
        count=count,
        interval=interval,
        patience=timeout,
        told=_print_line if text else lambda _reply: None,
    )
    emit_report(
        outcome.report(lab), output, lambda: f"\n{outcome.summary()}\n", lambda: [there.title]
    )
    return 1 if outcome.lost else 0


def _print_line(reply: Reply) -> None:
    click.echo(reply.line())


async def _places(
    client: Client, lab: str, words: tuple[str, str], namespace: str
) -> tuple[Place, Place]:
    first, second = [await find_place(client, lab, word, namespace) for word in words]
    return first, second
