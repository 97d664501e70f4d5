"""Pure arithmetic: records in, ratios, verdicts and their sentences out. No file, no clock, no page."""
