"""What is drawn: one file per kind of chart, and the theme that all share."""
