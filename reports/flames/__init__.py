"""Flame graphs: folded stacks as trees, differences of trees, the copy tax, and (in formats/) files for other tools."""
