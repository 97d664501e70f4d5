"""The load's client of the agent that runs the servers, on this machine or on another host."""
