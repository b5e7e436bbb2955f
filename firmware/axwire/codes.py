"""Small numbers with a meaning, and their words."""

# Status of a channel: what the driver knows of its sensor.
OK = 0
OPEN = 1
SHORT = 2
SATURATED = 3
STUCK = 4
NO_ANSWER = 5
OUT_OF_RANGE = 6
NOT_READY = 7
STATUSES = (
    "ok",
    "open",
    "short",
    "saturated",
    "stuck",
    "no_answer",
    "out_of_range",
    "not_ready",
)

# Why a node began a new boot.
RESET_CAUSES = ("unknown", "power_on", "hard", "watchdog", "soft", "deep_sleep", "brown_out")

# EVENT codes and the meaning of their arguments.
EVENT_STATUS = 1
EVENT_LINK_SILENT = 2
EVENT_LINK_BACK = 3
EVENT_OUTBOX_DROPPED = 4
EVENT_COMMAND_DONE = 5
EVENT_BURST = 6
EVENT_EARLIER_BOOT = 7
EVENT_OUTBOX_THINNED = 8
EVENT_EARLIER_OVER = 9
EVENT_CHIP_TESTED = 10
EVENT_BOARD_TESTED = 11
EVENT_SAFE_MODE = 12
EVENT_COPY_REPAIRED = 13
EVENT_NOT_CONFIGURED = 14
EVENT_CONFIGURATION_KEPT = 15
EVENT_CONFIGURATION_UNDONE = 16
EVENT_PROOF = 17
EVENT_UPDATE = 18
EVENT_FIRMWARE_KEPT = 19
EVENT_FIRMWARE_UNDONE = 20
EVENTS = {
    EVENT_STATUS: "channel status changed: channel, old status, new status",
    EVENT_LINK_SILENT: "gateway silent: ms since its last message",
    EVENT_LINK_BACK: "gateway answers again: ms of silence",
    EVENT_OUTBOX_DROPPED: "outbox full: messages dropped, samples dropped",
    EVENT_COMMAND_DONE: "command answered: its sequence, its code, result",
    EVENT_BURST: "burst taken: burst number, channel",
    EVENT_EARLIER_BOOT: (
        "the rest of an earlier boot follows: the boot, oldest sequence held of it, ms since that "
        "boot and UTC in ms of the time last told to it (0, 0 = never)"
    ),
    EVENT_OUTBOX_THINNED: "outbox thinned: messages thinned, samples in them",
    EVENT_EARLIER_OVER: (
        "nothing of an earlier boot is left: the boot, the sequence after its last that lay in "
        "flash, samples it had put into messages by then, samples it had dropped by then"
    ),
    EVENT_CHIP_TESTED: (
        "self-test of a chip: its number in the node's configuration from 0, its first channel, "
        "status"
    ),
    EVENT_BOARD_TESTED: (
        "self-test of the board: flash (0 = what was written was read back, 1 = not), bytes of "
        "heap free, temperature in 0.01 °C and supply in mV (-2147483648 = cannot be told)"
    ),
    EVENT_SAFE_MODE: "safe mode, in which nothing is measured: resets in a row",
    EVENT_COPY_REPAIRED: (
        "a copy of a file was damaged: file (0 = configuration, 1 = key, 2 = way to the gateway), "
        "whether it is whole again (0 = no, 1 = yes)"
    ),
    EVENT_NOT_CONFIGURED: "no configuration that can be used: whole copies of one that cannot",
    EVENT_CONFIGURATION_KEPT: "the gateway was reached with a new configuration: its number",
    EVENT_CONFIGURATION_UNDONE: (
        "a new configuration gave way to the one before: its number, why (1 = it cannot be used, "
        "2 = a reset while it was on trial, 3 = the gateway was not reached with it)"
    ),
    EVENT_PROOF: "which board this is and what it runs: 8 words of the proof, 8 of the firmware",
    EVENT_UPDATE: (
        "new firmware: how far it is (0 = more is wanted, 1 = whole, 2 = for another board, "
        "3 = not newer than what runs, 4 = damaged, 5 = flash fails or is full), offset of what "
        "is wanted, bytes of flash free for it, release that runs"
    ),
    EVENT_FIRMWARE_KEPT: "the gateway was reached with new firmware: its release",
    EVENT_FIRMWARE_UNDONE: (
        "new firmware gave way to that before: its release, why (1 = it crashed, 2 = a reset "
        "while it was on trial, 3 = the gateway was not reached with it, 4 = this node's "
        "configuration cannot be used with it)"
    ),
}
UNKNOWN = -0x80000000
"""An argument of EVENT_BOARD_TESTED that the board cannot tell."""

# How far new firmware is, as EVENT_UPDATE tells it.
UPDATE_WANTED = 0
UPDATE_WHOLE = 1
UPDATE_OTHER_BOARD = 2
UPDATE_NOT_NEWER = 3
UPDATE_DAMAGED = 4
UPDATE_FLASH = 5

# Results of a command.
DONE = 0
NOT_SUPPORTED = 1
NOT_POSSIBLE = 2
FAILED = 3
RESULTS = {
    DONE: "done: carried out",
    NOT_SUPPORTED: "not_supported: this node cannot do it",
    NOT_POSSIBLE: "not_possible: its arguments are wrong, or it cannot be now",
    FAILED: "failed: it was tried, and something is wrong",
}

# COMMAND codes; arguments behind the colon.
COMMAND_HELLO = 1
COMMAND_IDENTIFY = 2
COMMAND_SELF_TEST = 3
COMMAND_BURST = 4
COMMAND_PERIOD = 5
COMMAND_REBOOT = 6
COMMAND_MAINTENANCE = 7
COMMAND_PROVE = 8
COMMAND_UPDATE = 9
COMMANDS = {
    COMMAND_HELLO: "send the channel table again",
    COMMAND_IDENTIFY: "blink: seconds",
    COMMAND_SELF_TEST: "test the chips and the board",
    COMMAND_BURST: "take a waveform: channel",
    COMMAND_PERIOD: "sample a group at another period: group, period in ms",
    COMMAND_REBOOT: "start again: release of the new firmware to try, or none",
    COMMAND_MAINTENANCE: "stop sampling and wait for a person",
    COMMAND_PROVE: "prove which board this is and what it runs: 4 words of a nonce",
    COMMAND_UPDATE: (
        "take new firmware: SHA-256 of its list of files, in eight numbers; none: let go of it"
    ),
}

# The integers of a HEALTH message in order, null where a board cannot tell. Only appended to.
HEALTH_FIELDS = (
    "heap_free_bytes",
    "heap_low_water_bytes",
    "loop_lag_max_us",
    "outbox_messages",
    "outbox_bytes",
    "dropped_messages",
    "dropped_samples",
    "thinned_samples",
    "missed_deadlines",
    "resent_messages",
    "frames_refused",
    "messages_refused",
    "link_errors",
    "chip_errors",
    "temperature_centi_c",
    "supply_mv",
    "down_sequence",
    "samples",
    "flash_segments",
    "flash_segments_written",
    "flash_segments_damaged",
    "flash_errors",
    "earlier_dropped_messages",
    "earlier_dropped_samples",
    "safe_mode",
    "early_resets",
    "copies_repaired",
    "thinned_messages",
)
# `samples` counts what the node put into messages of this boot before this one: what it took and
# the gateway does not have in the end is lost, to the sample.
