"""`axlebox doctor`: what is wrong with a locomotive's gateway, in plain words, and what to do.

finding      one thing that was looked at
running      what the gateway says of itself, where one runs
files        configuration, profile, rules, keys and other secrets
store        the spool's folder, its disk, its reserve
ports        serial ports
broker       the MQTT broker
server       where readings are forwarded
clocks       this machine's time and the nodes'
boards       nodes: silence, losses, links, resets
versions     of gateway, firmware and wire protocol
complaints   alarms of the system, and what else the gateway complains of
examination  all of them, each in its turn
cli          the command

Nothing here changes anything, but for one line that the forwarder would write as well (server).
"""
