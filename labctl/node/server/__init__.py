"""What a node's agent serves, as a kubelet does on port 10250: logs, exec, attach, port-forward."""
