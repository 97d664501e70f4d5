"""The users of one round, spread over Locust's workers: the master, the workers, and their messages."""
