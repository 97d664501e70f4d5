"""What can be measured: our modes and external servers; how each is found, started, watched and stopped."""
