"""Numbers that are computed from records, never typed."""
