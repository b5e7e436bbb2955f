"""What `make bench` measures. Never part of the tests: a figure is no verdict."""
