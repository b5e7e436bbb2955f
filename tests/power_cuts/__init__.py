"""The crash simulator: a gateway's real run, and what a power cut leaves of its files.

`recorder` notes every system call that changes a file, `disk` rebuilds what each model of a disk
has after a cut, `run` is the run, `aftermath` starts the gateway again on it and counts, `sweep`
does so at every cut. docs/reliability.md has the models and the figures.
"""
