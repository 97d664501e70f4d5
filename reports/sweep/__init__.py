"""A sweep concluded: curves over an axis, where they cross, and the page that says so.

The theory. A point of a sweep is a run, so its ratio, interval, gates and verdict are those of any run (reports.run_data).
What is added here is what follows from several points together: `crossover`, which is pure, and its sentences.
"""
