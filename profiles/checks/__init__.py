"""Checks outside any timing: what a data path really does, what this machine has, and whether the score is right."""
