# SPDX-License-Identifier: GPL-2.0-or-later
"""Work in threads that nobody waits for: whoever leaves the program need not wait for a server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_daemon(run: Callable[[], T], name: str) -> T:
    """What ``run`` returns or raises in a daemon thread; leaving the program ends it (Textual's threads are joined)."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, trouble: BaseException | None) -> None:
        if future.done():
            return
        if trouble is not None:
            future.set_exception(trouble)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result: T | None = None
        trouble: BaseException | None = None
        try:
            result = run()
        except SystemExit as error:  # b4 and liblore may call sys.exit
            trouble = RuntimeError(f"SystemExit: {error}")
        except BaseException as error:
            trouble = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there any more
            loop.call_soon_threadsafe(settle, result, trouble)

    threading.Thread(target=body, name=name, daemon=True).start()
    return await future
