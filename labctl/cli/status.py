"""`labctl status`, `list` and `ps`: how labs are and what runs in them."""

import asyncio

import click

from labctl.api.objects import Obj
from labctl.cli.completion import complete_node
from labctl.cli.options import lab_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.richly import table


@click.command(epilog="Example: labctl status -o json")
@output_option
@lab_option
def status(output: str, lab: str) -> None:
    """Nodes, pods, processes and health of the lab."""
    from labctl.lab.host import require_root
    from labctl.lab.status import lab_status

    require_root()
    report = asyncio.run(lab_status(lab))
    emit_report(report, output, lambda: _status_text(report), lambda: [f"lab/{lab}"])


@click.command("list", epilog="Example: labctl list")
@output_option
def list_labs(output: str) -> None:
    """The labs on this machine."""
    from labctl.lab.host import require_root
    from labctl.lab.status import lab_list

    require_root()
    report = lab_list()
    items = report["items"]
    emit_report(
        report, output, lambda: _list_text(items), lambda: [f"lab/{one['name']}" for one in items]
    )


@click.command(epilog="Examples: labctl ps · labctl ps node1")
@click.argument("node", required=False, default="", shell_complete=complete_node)
@output_option
@lab_option
def ps(node: str, output: str, lab: str) -> None:
    """Sandboxes and containers of the lab (or of one NODE), pause beside its containers."""
    from labctl.lab import state
    from labctl.lab.host import require_root
    from labctl.lab.sandboxes import sandbox_list

    require_root()
    state.require(lab)
    if node:
        state.require_node(lab, node)
    report = asyncio.run(sandbox_list(lab, node))
    items = report["items"]
    emit_report(
        report,
        output,
        lambda: _ps_text(items, wide=output == "wide"),
        lambda: [f"sandbox/{one['id']}" for one in items],
    )


def _status_text(report: Obj) -> str:
    pods = report["pods"]
    settings = [report["backend"], report["podCIDR"], f"mtu {report['mtu']}"]
    if not report["healing"]:
        settings.append("healing off")
    first = f"lab {report['lab']}: {report['phase']} ({', '.join(settings)})\n"
    counted = f"pods: {pods['ready']} of {pods['total'] - pods['finished']} ready"
    if pods["finished"]:
        counted += f", {pods['finished']} finished"
    if pods["phases"].get("Pending"):
        counted += f", {pods['phases']['Pending']} pending"
    nodes = [
        [one["name"], one["status"], one["address"], str(one["pods"]), one["podCIDR"]]
        for one in report["nodes"]
    ]
    processes = [
        [one["name"], one["state"], str(one["pid"] or "-"), str(one["restarts"])]
        for one in report["processes"]
    ]
    node_table = table(["NODE", "STATUS", "ADDRESS", "PODS", "POD-CIDR"], nodes)
    process_table = table(["PROCESS", "STATE", "PID", "RESTARTS"], processes)
    return f"{first}\n{node_table}\n{counted}\n\n{process_table}"


def _list_text(items: list[Obj]) -> str:
    if not items:
        return ""
    rows = [[one["name"], one["phase"], str(one["nodes"]), one["backend"]] for one in items]
    return table(["NAME", "PHASE", "NODES", "BACKEND"], rows)


def _ps_text(items: list[Obj], *, wide: bool) -> str:
    rows = []
    for sandbox in items:
        pod = f"{sandbox['namespace']}/{sandbox['pod']}"
        netns = sandbox["netns"] + (f" ({sandbox['inode']})" if wide and sandbox["netns"] else "")
        pause = [sandbox["node"], pod, "pause", str(sandbox["pid"] or "-"), sandbox["state"]]
        rows.append([*pause, "catatonit", netns])
        rows += [_container_row(sandbox["node"], pod, one) for one in sandbox["containers"]]
    return table(["NODE", "POD", "CONTAINER", "PID", "STATE", "RUNS", "NETNS"], rows)


def _container_row(node: str, pod: str, container: Obj) -> list[str]:
    runs = "stand-in" if container["standIn"] else " ".join(container["command"])
    pid = str(container["pid"] or "-")
    name, image = container["name"], container["image"]
    return [node, pod, name, pid, container["state"], runs, f"image {image}" if image else ""]
