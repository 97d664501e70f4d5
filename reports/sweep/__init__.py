"""The report of a sweep: curves over an axis, where they cross, and the page.

A point of a sweep is a run with its own ratio, interval and verdict (reports.run_data). Added here is what follows from
several points together: `crossover`, which is pure, and its sentences.
"""
