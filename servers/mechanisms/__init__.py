"""What several modes share: how buffers, mappings, pipes, rings and TLS are made and given back."""
