"""py-spy and perf: how they are started, and how their samples become folded stacks."""
