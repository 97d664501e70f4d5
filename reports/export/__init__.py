"""What leaves the report: tables, files, and the command that repeats a run."""
