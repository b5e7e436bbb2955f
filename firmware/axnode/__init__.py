"""The node: reads its sensors and hands every reading to the gateway.

Runs on MicroPython 1.24 or newer, the same files on a board and on the bench. A reading's way:

    drivers        one chip: begin a conversion, look for its result, say what is wrong
    sampler        the one loop that keeps all chips converting, on an exact time grid
    block          consecutive rows of one group of channels
    outbox         the messages that the gateway has not acknowledged yet
    spill          those of them that RAM has no room for, in files
    dry            stands for it while there are none
    session        the conversation with the gateway: send, resend, acknowledge, obey
    serial_link    bytes on a UART; rs485_link, usb_link, mqtt_link: the other ways

    vitals         the board's own temperature and supply
    self_test      each chip between two conversions, and the board, while it is asked for
    proof          which board this is and what it runs, while it is asked for
    retiming       another period of a group, while it is asked for
    ticks          time since boot
    unloading      frees the code of what was done
    node           puts it together and keeps it alive
    configure      a new configuration from the gateway
    update         new firmware from the gateway
    proving        a boot in which one of them has to prove itself

and what only the start needs:

    boot           why this boot began, and how many resets in a row led to it
    start          makes the node, and frees what only that needs
    provision      what this node is: its files found, repaired, read
    store          files in two copies
    trial          whether the newest configuration has yet to prove itself
    config         what a configuration says, read strictly
    hardware       buses, chips and pins made from the configuration
    unprovisioned  a board that does not know who it is
"""

VERSION = "0.1.0"

RELEASE = 1
"""Rises with each version: over the link a node takes no firmware with a number not above its."""
