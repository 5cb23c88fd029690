"""Reports of a month, a quarter or a year: figures in words, and snapshots that can be proved unchanged."""
