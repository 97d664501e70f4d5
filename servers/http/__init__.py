"""HTTP/1.1 as the servers speak it: the request's head and target, how it is read, and the responses."""
