"""Migrations of the core; each plugin keeps its own beside its models."""
