"""Rules judged on recorded and on simulated runs, without a board or a gateway."""
