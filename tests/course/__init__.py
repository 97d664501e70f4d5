"""Programs that behave as the course's server and client do, for the raw protocol. They are started as files."""
