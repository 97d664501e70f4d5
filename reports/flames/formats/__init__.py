"""A profile as a file that other tools open: a file per format, and the table of them in table.py."""
