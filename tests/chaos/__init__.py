"""`make chaos`: a whole locomotive while everything around it is killed, frozen, filled and cut.

The boards run the real firmware, the gateway, mosquitto and VictoriaMetrics are real processes;
what happens to them is drawn from a seed, when it happens is up to the machine. Afterwards every
sample that a sensor gave is in the store once or in a named counter, and every stored one on the
server once, after a replay.
"""
