"""Elderly canteen (老年食堂): who ate which meal on which day."""
