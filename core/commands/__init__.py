"""What the command `jinlin` can do, a file for each subject; core/cli.py puts them together."""
