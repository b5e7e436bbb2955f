"""The simulated hardware of one board: a `machine` laid over MicroPython, with chips behind it.

The firmware imports `machine` and finds pins, buses, a UART and a watchdog. Behind the buses sit
register-level models of the chips, in the same process, fed by the host with physical signals a
stretch at a time. `layout.py` copies what the board needs into a folder; the process is started
with that folder on MICROPYPATH before `.frozen`, and with

    AXSIM_WIRING        path of the wiring file (see wiring.py)
    AXSIM_CONTROL       "in,out": two inherited descriptors (see control_frames.py); optional
    AXSIM_RESET_CAUSE   power_on (default), hard, watchdog, deep_sleep or soft
    AXSIM_HEAP_EXTRA    bytes by which the heap was made larger than the board's (see heap.py)

It ends with an exit code that says why (power.py): a supervisor starts it again and hands the
cause over.

What this does not simulate:
- The board's speed. Code runs about 150 times faster than on an RP2040, a bus transaction takes
  no time, and bytes leave a UART at once whatever its baud rate. Waits of the chips are real.
- Electrical detail of the buses: clock stretching, arbitration, wrong clock rates. A UART's
  frame format is accepted and not checked against the other side's.
- Interrupts in the middle of code: timers and pin interrupts run from MicroPython's scheduler,
  and only when the firmware touches the hardware. Pins driven by a chip raise none.
- The chips' power. A reset of the process resets the chips as a power cycle does, whereas on a
  real board they keep their registers.
- Overflow of a UART's receive FIFO: the pseudo-terminal holds 4 KiB and loses nothing.
- The ALERT pin of the ADS1115, deep sleep, DMA, PIO beyond rp2.py, and in real time the flash:
  the board's files are the host's.

With a prompt (prompt.py) the flash is simulated in real time, too, and the board's console is that
of MicroPython's boards.

In lock-step (lockstep.py) the host owns the time as well: `layout.py` puts what stands in for
`time`, `select`, `os` and asyncio's C part beside `machine`, `boot.py` runs main.py, and also
needed is

    AXSIM_LOCKSTEP      "us,ms,us": ticks to begin at, in us, in ms, and us past that millisecond

There bytes take their time on a UART and its buffers overflow, the watchdog and timers have their
exact times, and the flash (flash.py) is a NOR chip with LittleFS, in which power can fail. What is
still not so: code takes no time, or a fixed one for each wait; ticks go on through a reset, and
do not drift from the host's; a transaction on a bus takes no time; streams other than the UART's
(sockets) cannot be polled.
"""
