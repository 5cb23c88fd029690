"""Tasks about a resident that somebody must see to, each with its outcome."""
