"""What is stored of a run: the records, and the folders that they are written to and read from."""
