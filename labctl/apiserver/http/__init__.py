"""The API over HTTP/1.1, by aiohttp: on any socket that is handed in, with TLS or without.

Nothing here knows what a pod is; requests become `Request`s, answers become bytes.
"""
