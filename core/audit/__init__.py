"""Who did what to which record; who looked at what."""
