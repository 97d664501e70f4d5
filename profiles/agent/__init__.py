"""The agent: the process beside the servers that starts, samples, profiles and proves them."""
