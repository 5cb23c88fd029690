"""The built-in modules; each community switches on its own."""
