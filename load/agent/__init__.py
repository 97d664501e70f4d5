"""How the load talks to the agent that runs the servers, on this machine or on another host."""
