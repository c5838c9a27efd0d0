"""The verbs on stored objects: each a function of the backend and the request.

What differs from kind to kind is in `strategies.py`; the rest is the same for all.
"""
