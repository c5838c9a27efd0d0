"""The engine for more than one machine: etcd v3, through aetcd's gRPC stubs.

Nothing is kept here that etcd does not know: any number of API servers may work on one lab, and any
number of labs on one etcd, each below a prefix of its own. grpc brings threads and 24 MB with it,
so only a process that serves such a lab imports what is in here, and never one that forks others.
"""
