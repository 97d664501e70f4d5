"""A campaign: what can be asked of it, the order of its rounds, and the cells that it measures."""
