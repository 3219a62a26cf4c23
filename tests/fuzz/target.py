"""What a fuzz target is: a codec, the laws that hold for every input, and inputs to begin with.

Owns the terms that all targets and runners share. Knows no codec and no fuzzer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""Inputs that found something once, a folder a target."""

CPU_SECONDS = 1.0
"""The processor time that one input may take: a hundred times what the slowest needs, so that only an input whose
cost grows faster than its size goes over it."""


class LawBroken(AssertionError):
    """A codec breaks a law; the text says which, and what it did."""


@dataclasses.dataclass(frozen=True)
class Target:
    """One codec under test.

    Attributes:
        name: of the target, as on the command line.
        laws: what must hold, in a line.
        check: feeds an input to the codec; raises ``LawBroken`` or whatever the codec should not have raised.
        seeds: valid and nearly valid inputs, the same in every run.
        measures: whether a law is about memory, which is traced then.
    """

    name: str
    laws: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    measures: bool = False

    def corpus(self) -> list[Path]:
        """The files of inputs that found something once."""
        return sorted(path for path in (CORPUS / self.name).glob("*") if path.is_file())


def require(holds: object, law: str, *found: object) -> None:
    """State a law.

    Args:
        holds: whether it does.
        law: in words.
        found: what breaks it.

    Raises:
        LawBroken: it does not.
    """
    if not holds:
        raise LawBroken(f"{law}: {', '.join(f'{one!r:.300}' for one in found)}" if found else law)


def try_one(target: Target, data: bytes, seconds: float = CPU_SECONDS) -> None:
    """Give one input to a target, and watch the time.

    Args:
        target: which.
        data: the input.
        seconds: of the processor that it may take.

    Raises:
        Exception: whatever the target finds.
    """
    began = time.thread_time()
    target.check(data)
    used = time.thread_time() - began
    require(used <= seconds, "the cost of an input follows its size", f"{len(data)} bytes took {used:.1f} s")


@contextlib.contextmanager
def traced() -> Iterator[None]:
    """Trace memory, and go on where it is traced already.

    Python loses some memory with each start: a fuzzer that starts it once an input has none left after some millions.
    """
    if tracemalloc.is_tracing():
        yield
        return
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


class Choices:
    """Reads decisions off an input, for targets whose codec is a state machine; an input that ends decides for 0.

    Args:
        data: the input.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """A number below 256."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, end: int) -> int:
        """A number below ``end``, which is at most 65536."""
        return (self.byte() if end <= 256 else self.byte() << 8 | self.byte()) % end

    def block(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        found = self._data[self._at : self._at + size]
        self._at += size
        return found

    def rest(self) -> bytes:
        """All that is left."""
        found = self._data[self._at :]
        self._at = len(self._data)
        return found


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Ways to deliver a stream: as a whole, byte by byte, and in blocks whose sizes follow from the content."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    blocks, at = [], 0
    while at < len(data):
        size = 1 + (data[at] * 7 + at) % 23
        blocks.append(data[at : at + size])
        at += size
    yield blocks
