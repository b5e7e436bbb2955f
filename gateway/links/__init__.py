"""Links: bytes in, messages out, nothing else."""
