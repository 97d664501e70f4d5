"""Two network namespaces on this machine, joined by a veth pair, and a campaign between them."""
