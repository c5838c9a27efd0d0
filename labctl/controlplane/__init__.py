"""The control plane of a lab as one process: store, API server, controllers, scheduler.

They are parts of one process for speed only: controllers and scheduler meet the API server through
its whole request chain, as any other client, and each other not at all.
"""
