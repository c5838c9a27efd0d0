"""Volumes: directories of the machine that a pod's containers see at the paths that they ask for.

`files` says what is in those that the API fills (configMap, secret, downwardAPI, projected), as a
value; `directory` puts it on the disk in one step, as kubelets do; `mounts` says what a container is
given where. emptyDir lives as long as its pod, hostPath is the machine's own.
"""
