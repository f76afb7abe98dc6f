"""Reads a page as a browser would, to say what is in it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

VOID = frozenset({"meta"})


class Page(HTMLParser):
    """The tags of a page, its ids, its numbers, and digits in cells that are neither numbers nor meanings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = set[str]()
        self.attributes = set[tuple[str, str]]()
        self.ids = list[str]()
        self.numbers = list[tuple[str, str]]()
        self.loose = list[str]()
        self.words = list[str]()
        self.unbalanced = list[str]()
        self._open = list[str]()
        self._value: str | None = None
        self._explains = False
        self.feed(text)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "data":
            self._value = dict(attrs)["value"]
        if tag == "td":
            self._explains = ("class", "says") in attrs

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._value is not None:
            self.numbers.append((self._value, data))
            self._value = None
        elif self._open[-1:] == ["td"] and not self._explains and any(map(str.isdigit, data)):
            self.loose.append(data)


def numbers_of(report: str) -> set[str]:
    """List every number of a JSON report, as it is written there."""
    found = set[str]()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            walk(list(part.values()))
        elif isinstance(part, list):
            for each in part:
                walk(each)
        elif isinstance(part, int | float):
            found.add(repr(part))

    walk(json.loads(report))
    return found


def unknown_numbers(page: str, report: str) -> list[str]:
    """List the numbers of a page that the report does not have."""
    known = numbers_of(report)
    return [value for value, _ in Page(page).numbers if value not in known]
