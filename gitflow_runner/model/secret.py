"""A value that is never shown: what prints or formats it gets three stars, what encodes it an error."""

from __future__ import annotations

from typing import Final, NoReturn, SupportsIndex

SHOWN: Final = "***"
MIN_LENGTH: Final = 8  # characters
MAX_BYTES: Final = 64 * 1024


class Secret:
    """One opened secret; `reveal` is the only way to its text, and it is called where that is sent."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; whoever asks hands it to the service and to nobody else."""
        return self._text

    def __repr__(self) -> str:
        return SHOWN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")


def unfit(text: str) -> str | None:
    """Why this text cannot be kept as a secret; None if it can.

    A short one would be masked wherever the same letters happen to stand, and tells itself by its gaps.
    """
    if len(text) < MIN_LENGTH:
        return (
            f"it has {len(text)} characters, and shorter ones than {MIN_LENGTH} cannot be masked in records: "
            "they occur in ordinary text"
        )
    if len(set(text)) == 1:
        return "it repeats one character"
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    if "\0" in text:
        return "it holds a NUL"
    return None
