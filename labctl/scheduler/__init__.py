"""The scheduler: for each pod without a node, the node that fits best.

A pod and the nodes are small frozen values (`podinfo`, `nodeinfo`); filters and scores are pure
functions of them; `decide` combines these into one answer. Around that is a queue that remembers
who waits for what, a cache that counts pods whose binding is still on its way, and a shell that
binds through the API.
"""
