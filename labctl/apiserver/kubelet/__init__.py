"""The hop from the API server to a node's agent, for what only the node can do.

Logs, exec, attach and port-forward: authorized here, served by the agent. Whatever a client speaks,
SPDY or one of the WebSocket protocols, ends here; the inner hop is HTTPS and one kind of WebSocket.
"""
