"""The residents' file (居民档案): persons, households and buildings, shared by every plugin."""
