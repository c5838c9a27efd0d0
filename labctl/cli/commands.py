"""The table of commands: all that `labctl --help` needs, without importing any of them."""

from labctl.cli.lazy import Entry

_LAB = {
    "up": Entry("cluster:up", "Make the lab, or make it as it shall be; returns when Ready."),
    "down": Entry("cluster:down", "Take the lab away, and all that belongs to it."),
    "status": Entry("status:status", "Nodes, pods, processes and health of the lab."),
    "list": Entry("status:list_labs", "The labs on this machine."),
    "ps": Entry("status:ps", "Sandboxes and containers with pids and namespaces."),
    "graph": Entry("graph:graph", "Draw the lab's topology."),
    "image": Entry("image:image", "Load, list and remove the lab's images."),
    "doctor": Entry("doctor:doctor", "Check whether this host can run a lab."),
    "support-bundle": Entry(
        "support_bundle:support_bundle", "Write all about the lab into a file, without secrets."
    ),
}
_OBJECTS = {
    "get": Entry("get:get", "Print objects, as kubectl does."),
    "describe": Entry("describe.command:describe", "Print an object in detail, with its events."),
    "create": Entry("create:create", "Create objects from files, or a quick one by name."),
    "apply": Entry("apply:apply", "Create objects from files, or bring them up to date."),
    "delete": Entry("delete:delete", "Delete objects, by file or by name."),
    "run": Entry("create:run", "Run one pod."),
    "scale": Entry("scale:scale", "Set the number of replicas."),
    "rollout": Entry("rollout:rollout", "Status, history, undo and restart of a rollout."),
    "wait": Entry("wait:wait", "Wait for a condition, a field, creation or deletion."),
    "logs": Entry("logs:logs", "Print the log of a container."),
    "exec": Entry("exec:exec_", "Run a command in a container."),
    "attach": Entry("attach:attach", "Join what runs in a container."),
    "debug": Entry("debug:debug", "Run the host's tools beside what runs in a pod."),
    "cp": Entry("cp:cp", "Copy files and directories to and from containers."),
    "port-forward": Entry("port_forward:port_forward", "Reach a pod's ports from this host."),
}
_NETWORK = {
    "ping": Entry("ping:ping", "Ping from a pod, a node or outside."),
    "verify": Entry("verify:verify", "Prove the network's promises with captured packets."),
    "plan": Entry("plan:plan", "What would bring a node's kernel to what the objects ask for."),
    "fault": Entry("fault:fault", "Hurt the lab: kill, pull cables or make them bad; undo it."),
    "scenario": Entry("scenario:scenario", "Run scenarios, from up to down, checked."),
}
_REST = {
    "kubeconfig": Entry("kubectl:kubeconfig", "Print an admin kubeconfig."),
    "kubectl": Entry("kubectl:kubectl", "Run kubectl with the lab's kubeconfig."),
    "schema": Entry("schema:schema", "Print the JSON Schema of a lab file, or of a scenario."),
    "completion": Entry("completion:completion", "Print shell completion."),
    "version": Entry("version:version", "Print the version."),
}

SECTIONS = tuple(
    (heading, tuple(group))
    for heading, group in (
        ("The lab", _LAB),
        ("Objects", _OBJECTS),
        ("Network", _NETWORK),
        ("Other", _REST),
    )
)

COMMANDS = {
    name: Entry(f"labctl.cli.{entry.place}", entry.help)
    for name, entry in {**_LAB, **_OBJECTS, **_NETWORK, **_REST}.items()
}
