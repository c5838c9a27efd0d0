"""Containers run by crun, an OCI runtime: what it is told, and when it is called.

It makes a container's mounts and privileges; where the container is (the sandbox's namespaces, its
cgroup, its root on the layers of its image, its streams) is arranged before, as for any other.
"""
