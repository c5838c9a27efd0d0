"""Faults on purpose, and how they are undone: agents, nodes, cables, processes.

What was done is remembered (the supervisor knows the dead agents, a file all else), so that an `up`
in between neither mends a fault by the way nor waits for a node that cannot be Ready, and a crash of
anything forgets none of it. A lab's faults end with its boot: what they were done to is gone.

    record     what is remembered
    values     what is typed after loss, rate and delay
    nodes      agents, nodes, their cables in and out
    cables     loss, rate and delay of a node's or a pod's cable
    keeping    bad cables that were made anew are bad again
    crashes    processes that the supervisor starts again
    catalog    all of these by name; what is in force; taking it all away
"""

from labctl.lab.faults.record import cut_nodes, down_nodes, forget_nodes

__all__ = ["cut_nodes", "down_nodes", "forget_nodes"]
