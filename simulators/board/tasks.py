"""What asyncio finds as `_asyncio` in lock-step: its queue of tasks, by the simulated clock.

The one in C stamps a task that is woken with the C clock. This one keeps its order: by time, and
tasks of one time as they were queued. It allocates nothing; a queue is a list linked through the
tasks, for a node has a handful of them.
"""

from simulators.board.simulated_time import PATIENCE, clock
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TaskQueue:
    """Tasks by the time at which they are to run. One that is queued knows no waiter: no data.

    asyncio looks at the first, lets the time until then pass in a poll, runs it, and looks again.
    While all is calm its look does all that, for one task after the other, and so in a fraction of
    the time: only those who sleep are queued for the future.
    """

    def __init__(self) -> None:
        self._first: "Task | None" = None

    def peek(self) -> "Task | None":
        if clock.calm:
            self._run()
        return self._first

    def _run(self) -> None:
        """Run tasks as asyncio would, until it is needed: for a poll, to raise something in a
        task, for one that has ended, or for a look at the clock, for want of any other."""
        turns = 0
        task = self._first
        while task is not None and not task.data and turns < PATIENCE:
            ahead_ms = ticks_diff(task.ph_key, clock.ms)
            if ahead_ms > 0:
                if not clock.skip_ms(ahead_ms):
                    return
                turns = 0
            turns += 1
            self._first = task.following
            task.following = None
            task.loop["cur_task"] = task
            try:
                task.coro.send(None)
            except BaseException as error:
                task.coro = Ended(task, error)
                task.following = self._first
                self._first = task
                return
            if not clock.calm:
                return
            task = self._first

    def push(self, task: "Task", ms: "int | None" = None) -> None:
        """Queue it to run at that tick; now, where none is given."""
        if ms is None:
            ms = clock.ms
        task.data = None
        task.ph_key = ms
        following = self._first
        if following is None or ticks_diff(ms, following.ph_key) < 0:
            task.following = following
            self._first = task
            return
        before = following
        following = before.following
        while following is not None and ticks_diff(ms, following.ph_key) >= 0:
            before = following
            following = before.following
        task.following = following
        before.following = task

    def pop(self) -> "Task":
        """The first, which must be there."""
        task = self._first
        if task is None:
            raise IndexError("empty heap")
        self._first = task.following
        task.following = None
        return task

    def remove(self, task: "Task") -> None:
        """Take out one that is queued here."""
        before = None
        at = self._first
        while at is not task:
            if at is None:
                raise ValueError("no such task")
            before = at
            at = at.following
        if before is None:
            self._first = task.following
        else:
            before.following = task.following
        task.following = None


class Task:
    """A coroutine that runs. Its fields are asyncio's:

    coro    the coroutine
    data    while it waits: the queue it is on, if any; once it has ended: what it ended with
    state   True: runs, and nobody waits for its end; a TaskQueue: of those who do; a function: to
            be called at its end; None: ended, and nobody has asked how; False: ended, and known
    ph_key  the tick at which it is to run
    loop    the names of the module that runs it
    """

    def __init__(self, coro: "Any", globals: "Any" = None) -> None:
        self.coro = coro
        self.data: "Any" = None
        self.state: "Any" = True
        self.ph_key = 0
        self.following: "Task | None" = None
        self.loop = globals

    def __iter__(self) -> "Task":
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self) -> None:
        if not self.state:
            if self.data is None:
                raise StopIteration
            raise self.data
        waiting = self.loop["cur_task"]
        self.state.push(waiting)
        waiting.data = self

    def done(self) -> bool:
        return not self.state

    def cancel(self) -> bool:
        """Have CancelledError raised in it, or in the task it waits for. False: it has ended."""
        loop = self.loop
        if not self.state:
            return False
        if self is loop["cur_task"]:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        queue = loop["_task_queue"]
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            queue.push(task)
        elif ticks_diff(task.ph_key, clock.ms) > 0:
            queue.remove(task)
            queue.push(task)
        task.data = loop["CancelledError"]
        return True


class Ended:
    """The coroutine of a task that raised something, once more, for asyncio to see it raised."""

    def __init__(self, task: "Task", error: BaseException) -> None:
        self._task = task
        self._coro = task.coro
        self._error = error

    def send(self, value: None) -> None:
        self._task.coro = self._coro
        raise self._error
