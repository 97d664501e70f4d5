"""The users of one cell over Locust's workers: who directs them, and what is said between them."""
