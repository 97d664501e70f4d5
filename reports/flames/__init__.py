"""Flame graphs: folded stacks as trees, differences of trees, the copy tax, and files for speedscope."""
