"""Subsidies: who gets which for a meal, and who pays it."""
