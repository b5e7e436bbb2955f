"""Rules on what is measured, and the life of each alarm."""
