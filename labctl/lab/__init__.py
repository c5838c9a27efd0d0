"""A lab as a whole: what composes fabric, control plane, runtime and agents into one cluster.

`up` and `down` make it and take it away, a `supervisor` keeps its processes alive, `faults` hurt
it on purpose, and `status`, `ping`, `plan` and `doctor` look at it. State is in files, namespaces
and one cgroup, so that any process can take over after any other died.
"""
