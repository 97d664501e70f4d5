"""The contract of a data path, as one table of checks: the test suite holds ours to it, `make lab-check` yours."""
