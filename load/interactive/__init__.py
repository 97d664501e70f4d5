"""Loads that somebody starts by hand in Locust: idle servers wait for them, and each load is saved as a run."""
