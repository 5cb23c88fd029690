"""Screens: what a plugin gets for a table, and the shell around every page."""
