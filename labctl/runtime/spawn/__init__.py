"""The spawner: a small process that forks for the runtime, and what a program goes through to its exec.

A fork costs what the forking process is: its page tables are copied, and afterwards each page that
either side writes. Of the runtime, 35 MB and always busy, that was 3 ms a container; of an
interpreter that has imported next to nothing it is a tenth. So nothing in here imports more than
the system calls and values that it needs: no event loop, no msgspec, no dataclasses.
"""
