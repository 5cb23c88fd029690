"""One file a step; jinlin plugin migrate opera writes the next."""
