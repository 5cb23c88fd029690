"""A plugin of which every part can be made to fail, one at a time (tests/core/test_failing_plugins.py)."""
