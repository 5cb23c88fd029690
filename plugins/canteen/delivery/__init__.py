"""Rounds that bring meals home, and what happened at each door."""
