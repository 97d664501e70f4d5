"""What our own code costs, against a floor written in C: `make bench`. Never part of a test."""
