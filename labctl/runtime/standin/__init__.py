"""Stand-ins: what answers on a container's ports when its image is not here.

`conversation`, `http1` and `http2` turn bytes received into bytes to send and know no sockets;
`connection` and `datagrams` carry them; `server` listens in a pod's network namespace.
"""
