"""Two runs side by side, and the gate that a CI puts between them."""
