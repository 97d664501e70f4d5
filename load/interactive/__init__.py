"""Loads that somebody starts by hand in Locust: their servers stand ready, and each load is kept as a run."""
