"""HTTP/1.1 for the servers: reading and parsing requests, building responses."""
