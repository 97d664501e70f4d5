"""Facts of the host: its CPU, kernel and software, its network, and what its page cache holds."""
