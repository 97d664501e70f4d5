"""Charts: one file per kind, and the theme that all share."""
