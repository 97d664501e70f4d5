"""A campaign: its options, the order of its rounds, and the cells that it measures."""
