"""The users: one download over a raw socket, what a user counts, and when it starts its next one."""
