"""Data paths that somebody is at work on: `make lab NAME=mine` writes lab/mine.py, `make lab-check NAME=mine` tries it.

Git ignores them, and nothing but their name brings them in (docs/lab.md). A finished one moves to servers/modes/.
"""
