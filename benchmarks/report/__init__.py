"""What a run found, for people: a table, a plot, and where it was."""
