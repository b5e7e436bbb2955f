"""The bench: runs firmware, gateway and simulated locomotive together, and counts every sample."""
