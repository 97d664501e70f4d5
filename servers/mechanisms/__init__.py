"""What several modes share: buffers, mappings, pipes, io_uring, zero-copy sends, time-outs and TLS."""
