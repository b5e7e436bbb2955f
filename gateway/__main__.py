"""`python -m gateway` is the command `axlebox`."""

from gateway.cli import main

main()
