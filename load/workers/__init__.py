"""The users of one cell, spread over Locust's workers: the master, the workers, and their messages."""
