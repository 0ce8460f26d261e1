"""A device is waited for in order."""

from __future__ import annotations

import threading
import time

from appliance.signing.turns import Turns


def test_turns_come_in_the_order_asked() -> None:
    turns, order = Turns(), list[int]()
    assert turns.acquire(1)
    threads = []
    for number in range(5):

        def take(number: int = number) -> None:
            assert turns.acquire(5)
            order.append(number)
            turns.release()

        threads.append(threading.Thread(target=take))
        threads[-1].start()
        time.sleep(0.02)  # each has asked before the next one does
    turns.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_gives_up_waiting_loses_the_turn_and_holds_nobody_up() -> None:
    turns = Turns()
    assert turns.acquire(1)
    assert not turns.acquire(0.01)
    turns.release()
    assert turns.acquire(0.01)
    turns.release()
