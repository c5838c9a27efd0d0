"""The watch cache: every object decoded once, and the recent changes, above any store.

One watch of the store feeds it. Lists, gets and watches of all clients are served from here and
share one decoded object and one encoded form per version, so that a change costs the same whether
one client looks at it or two hundred.
"""
