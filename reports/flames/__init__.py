"""Flame graphs: folded stacks as trees, their differences, the copy tax, and files for speedscope."""
