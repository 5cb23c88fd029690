"""The tree of areas, and the one place where rows are limited to communities."""
