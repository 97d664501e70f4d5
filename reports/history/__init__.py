"""All runs: their list with verdicts, and what each mode cost from run to run."""
