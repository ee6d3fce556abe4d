# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the work goes: processes of this machine, or a Dask cluster. Both are executors of ``concurrent.futures``.

``run_all`` keeps a bounded number of calls under way. A call that takes its worker down (memory, a crash of a parser)
is split and tried again alone, so that one bad team costs itself only.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from multiprocessing import get_context
from typing import Protocol

import msgspec

from abireview import limits
from abireview.errors import ServerError, UsageError
from abireview.scan import work

DASK_SECONDS = 10  # until a scheduler has to answer
_YOUNG = 200_000  # new objects between two looks for cycles: what a series leaves behind has none
TRIES = 3  # times a team may be lost with a worker: once in company, twice alone


class Batch(msgspec.Struct, frozen=True):
    """Teams that go to a worker together, as numbers; ``tries`` counts how often that failed."""

    teams: tuple[int, ...]
    tries: int = 0


class Crew(Protocol):
    """Workers. ``size`` is how many calls they can do at once."""

    size: int

    def submit(self, orders: bytes, teams: bytes) -> Future[bytes]:
        """Start ``work.run``."""
        ...

    def is_lost(self, error: BaseException) -> bool:
        """True if ``error`` means that a worker died of what it was given, False for anything else."""
        ...

    def restore(self) -> None:
        """After a loss: have workers again."""
        ...


@contextlib.contextmanager
def processes(count: int) -> Iterator[Crew]:
    """``count`` processes of this machine."""
    crew = _Processes(count)
    try:
        yield crew
    finally:
        crew.close()


class _Processes:
    def __init__(self, count: int) -> None:
        self.size = count
        self._pool = self._new()

    def _new(self) -> Executor:
        from concurrent.futures import ProcessPoolExecutor

        # fork, not spawn: a console script without a main guard would be run once more in each worker. All workers
        # are forked at the first submit, before the pool has threads.
        return ProcessPoolExecutor(
            self.size, mp_context=get_context("fork"), initializer=_start, initargs=(os.getpid(),)
        )

    def submit(self, orders: bytes, teams: bytes) -> Future[bytes]:
        return self._pool.submit(work.run, orders, teams)

    def is_lost(self, error: BaseException) -> bool:
        from concurrent.futures.process import BrokenProcessPool

        return isinstance(error, BrokenProcessPool)

    def restore(self) -> None:
        self.close()
        self._pool = self._new()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _start(parent: int) -> None:
    """In a new worker: bounded memory, Ctrl-C is the parent's business, no life without the parent."""
    import gc
    import resource

    gc.freeze()  # the rules stay: looking through them again and again finds nothing
    gc.set_threshold(_YOUNG)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limits.MAX_WORKER_BYTES, limits.MAX_WORKER_BYTES))

    def watch() -> None:
        while os.getppid() == parent:  # not os.kill(parent, 0): a killed parent may be a zombie for long
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def dask(address: str) -> Iterator[Crew]:
    """The workers of the Dask scheduler at ``address`` (HOST:PORT). Raises UsageError and ServerError."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError("--dask needs Dask", hint="pip install 'abireview[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said by us, in a sentence
    where = address if "://" in address else f"tcp://{address}"
    try:
        client = distributed.Client(where, timeout=DASK_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ServerError(
            f"no Dask scheduler answers at {address[:200]}", hint="start one, or leave out --dask"
        ) from error
    with contextlib.closing(client):
        yield _Dask(client, address)


class _Dask:
    def __init__(self, client: object, address: str) -> None:
        self._client = client
        self._address = address
        self._executor: Executor = client.get_executor(pure=False)  # type: ignore[attr-defined]
        threads = client.nthreads()  # type: ignore[attr-defined]
        self.size = max(1, sum(threads.values()))
        if not threads:
            raise ServerError(f"the Dask cluster at {address[:200]} has no workers", hint="start some: 'dask worker'")

    def submit(self, orders: bytes, teams: bytes) -> Future[bytes]:
        return self._executor.submit(work.run, orders, teams)

    def is_lost(self, error: BaseException) -> bool:
        import distributed

        return isinstance(error, distributed.scheduler.KilledWorker)

    def restore(self) -> None:
        """Dask starts its own workers again."""


Load = Callable[[Sequence[int]], bytes]


def run_all(crew: Crew, orders: bytes, batches: Iterable[Batch], load: Load) -> Iterator[tuple[Batch, bytes | None]]:
    """Run ``work.run`` over ``batches``; (batch, packed outcomes) as they come, None for a team that cannot be done.

    ``load`` packs the mails of teams. No more than two calls a worker are under way. Raises ServerError if a cluster
    goes away.
    """
    waiting = iter(batches)
    suspects: deque[Batch] = deque()
    under_way: dict[Future[bytes], Batch] = {}
    lost = False
    try:
        while True:
            if lost and not under_way:
                crew.restore()
                lost = False
            for batch in _next(waiting, suspects, 2 * crew.size - len(under_way), alone=not under_way):
                under_way[crew.submit(orders, load(batch.teams))] = batch
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                batch = under_way.pop(future)
                error = concurrent.futures.CancelledError() if future.cancelled() else future.exception()
                if error is None:
                    yield batch, future.result()
                    continue
                if not crew.is_lost(error):
                    raise _unexpected(error)
                lost = True
                again = batch.tries + 1
                if len(batch.teams) == 1 and again >= TRIES:
                    yield batch, None
                else:
                    suspects.extend(Batch((team,), again) for team in batch.teams)
    finally:
        for future in under_way:
            future.cancel()


def _next(waiting: Iterator[Batch], suspects: deque[Batch], room: int, *, alone: bool) -> Iterator[Batch]:
    """What to start now: a suspect only while nothing else runs, and nothing else while there are suspects."""
    if suspects:
        if alone:
            yield suspects.popleft()
        return
    yield from islice(waiting, max(0, room))


def _unexpected(error: BaseException) -> BaseException:
    if isinstance(error, concurrent.futures.CancelledError) or type(error).__module__.startswith("distributed"):
        return ServerError("the Dask cluster went away", hint="run the same command again: it goes on where it was")
    return error
