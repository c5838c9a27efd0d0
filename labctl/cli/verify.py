"""`labctl verify`: the network's promises, proved."""

from functools import partial
from pathlib import Path

import click

from labctl.cli.completion import complete_claim, complete_protocol
from labctl.cli.options import junit_option, lab_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.progress import Reporter
from labctl.cli.session import ask
from labctl.errors import BadInput

_EXAMPLES = "Examples: labctl verify · labctl verify --claim pod-to-pod --protocol icmp -o json"


@click.command(epilog=_EXAMPLES)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="CLAIM",
    shell_complete=complete_claim,
    help="Only this one: pod-to-pod, pod-to-node, node-to-pod, egress, mtu.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="icmp|udp|tcp",
    shell_complete=complete_protocol,
    help="Only this one.",
)
@click.option(
    "--compare",
    "others",
    multiple=True,
    metavar="LAB|FILE",
    help="Say what differs from another lab, or lab file; given twice, between the two.",
)
@junit_option
@click.option("--pcap", type=click.Path(), metavar="DIR", help="Keep what was captured.")
@output_option
@lab_option
def verify(
    claims: tuple[str, ...],
    protocols: tuple[str, ...],
    others: tuple[str, ...],
    junit: Path | None,
    pcap: str | None,
    output: str,
    lab: str,
) -> int:
    """Prove the claims with packets captured at both ends; exit code 1 when one fails."""
    from labctl.verify import CLAIMS, PROTOCOLS, Topology, snapshot, steady
    from labctl.verify import verify as prove
    from labctl.verify.junit import junit as as_junit
    from labctl.verify.text import text as as_text

    _check("--claim", claims, CLAIMS)
    _check("--protocol", protocols, PROTOCOLS)
    if others:
        return _compare(others if len(others) > 1 else (lab, *others), claims, protocols, output)

    def look() -> Topology:
        return ask(lab, lambda client: snapshot(client, lab))

    with Reporter() as progress:
        sent = partial(progress.count, "checks sent")
        report = steady(look, lambda seen: prove(seen, claims, protocols, _directory(pcap), sent))
    if junit is not None:
        junit.write_text(as_junit(report))
    names = [f"claim/{one['claim']}" for one in report["claims"]]
    emit_report(report, output, lambda: as_text(report), lambda: names)
    return 0 if report["passed"] else 1


def _compare(
    sides: tuple[str, ...], claims: tuple[str, ...], protocols: tuple[str, ...], output: str
) -> int:
    """Exit code 1 when a claim failed on one of the sides; a difference is none."""
    from labctl.lab import host
    from labctl.lab.compare import compare
    from labctl.lab.compare import text as as_text

    host.require()
    with Reporter() as progress:
        report = compare(sides, progress, claims, protocols)
    names = [f"lab/{side['lab']}" for side in report["sides"]]
    emit_report(report, output, lambda: as_text(report), lambda: names)
    return 0 if report["passed"] else 1


def _directory(pcap: str | None) -> Path | None:
    """Where packets are to be kept, made if it is not there."""
    if pcap is None:
        return None
    try:
        Path(pcap).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--pcap {pcap}: {error.strerror}") from error
    return Path(pcap)


def _check(option: str, wanted: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in wanted:
        if word not in known:
            raise BadInput(f"{option} {word}: there is no such one", f"one of {', '.join(known)}")
