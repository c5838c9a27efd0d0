"""`labctl describe`: an object and its events, worded and laid out as kubectl does it.

Each kind with a form of its own is a file that turns objects into lines; cells of a line are
separated by tabs and aligned at the end (`tabular`). Everything but the requests is pure.
"""
