"""Migrations of canteen."""
