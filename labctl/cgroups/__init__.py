"""Control groups: where this host has them, and the ones in which containers run (cgroups(7))."""
