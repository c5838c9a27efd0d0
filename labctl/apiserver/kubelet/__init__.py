"""The hop from the API server to a node's agent, for what only the node knows: logs and exec."""
