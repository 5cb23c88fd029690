"""Migrations of douyin."""
