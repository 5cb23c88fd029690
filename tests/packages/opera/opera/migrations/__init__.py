"""Migrations of opera."""
