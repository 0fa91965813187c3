"""Every error the program raises on purpose. What a person sees is a `UserError`: what, where, what to do."""

from __future__ import annotations


class RvosError(Exception):
    """Root of all errors raised on purpose by RVOS Studio."""


class UserError(RvosError):
    """An error a person can act on.

    Args:
        message: one sentence: what is wrong and where (name the file, the frame, the option).
        hint: one sentence: what to do about it. Empty where the message says it all.
        code: stable machine-readable code, `topic.reason`, e.g. `media.empty_file`.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_dict(self) -> dict[str, str]:
        """The `error` object of `--json` output."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(UserError):
    """The call itself is wrong (an option, an empty expression): exit code 2."""

    exit_code = 2


class Cancelled(RvosError):
    """The person stopped a job; what was finished before is kept."""

    exit_code = 130
