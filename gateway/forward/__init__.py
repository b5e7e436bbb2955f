"""From the spool to any server with the InfluxDB v2 write API (docs/influxdb.md).

log         what is committed, and how much of it is still to be sent
fold        what was known at a place in the log: tables, clocks, sequences
lookahead   the clock record of a boot that had none yet
lines       readings, health and gaps as line protocol
telling     what each record says
audit       what went out, by node and hour
batches     the log cut into batches, the same bytes whenever it is read
sink        one request and what came of it
sockets     requests that another thread can end
delivery    a batch through every kind of answer: again, halved, bisected
progress    which stretches of the log the server has
cursor      the progress in a file
replay      sending again from a point in time
lane        one stretch on its way
forwarder   all of it, one request a step; thread drives it
"""

from gateway.forward.cursor import CursorFile, server_of
from gateway.forward.forwarder import Forwarder, ForwardSettings
from gateway.forward.log import Log
from gateway.forward.replay import Replay, plan_replay
from gateway.forward.sink import Answer, InfluxSink, Pool, Sink, Verdict
from gateway.forward.thread import ForwarderThread

__all__ = [
    "Answer",
    "CursorFile",
    "ForwardSettings",
    "Forwarder",
    "ForwarderThread",
    "InfluxSink",
    "Log",
    "Pool",
    "Replay",
    "Sink",
    "Verdict",
    "plan_replay",
    "server_of",
]
