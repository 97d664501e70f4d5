"""A sweep: one campaign after another over an axis, and which point is measured next."""
