"""Probes: whether a container has started, can serve, and lives, found out by asking it.

Made from the node's namespace towards the pod's address, as a kubelet does. `probe` is what a spec
asks for, `http`, `tcp`, `grpc` and `exec` ask, `tally` counts answers against the thresholds, and
`prober` keeps one task a probe for as long as its container runs. What was found is one of the
facts from which a pod's plan and status are computed.
"""
