"""Schedulers of users, for the tests."""

from __future__ import annotations

NOT_ONE = 7


class Outer:
    @staticmethod
    def refusing(*_args: object, **_more: object) -> None:
        raise RuntimeError("this scheduler refuses to work")


refusing = Outer.refusing
