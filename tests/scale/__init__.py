"""make scale: what master, agents, workers and records cost; measured small, predicted large, and then simulated."""
