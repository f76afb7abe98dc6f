"""Numbers and names as people read them."""

from __future__ import annotations

from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000


def duration(ms: int) -> str:
    """Write milliseconds for people.

    >>> duration(950), duration(3_725_000), duration(90_061_001)
    ('0.950 s', '1:02:05', '1 d 1:01:01')
    """
    if ms < MINUTE_MS:
        return f"{ms // SECOND_MS}.{ms % SECOND_MS:03d} s"
    minutes, seconds = divmod(ms // SECOND_MS, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days:,} d " if days else "") + f"{hours}:{minutes:02d}:{seconds:02d}"


def number(value: float, unit: str) -> str:
    """Write a number of this unit: a duration, a share as percent, a ratio with its digits, or a count.

    >>> number(90_061_001, "ms"), number(0.0625, "share"), number(1234.5, "calls/h"), number(1234, "jobs")
    ('1 d 1:01:01', '6.25 %', '1,234.50', '1,234')
    """
    if unit == "ms":
        return duration(int(value))
    if unit == "share":
        return f"{value * 100:.2f} %"
    if unit == "index":
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def shown_unit(unit: str) -> str:
    """Name the unit beside a number of ``number``: a share is written as percent of a whole.

    >>> shown_unit("ms"), shown_unit("share"), shown_unit("calls/h")
    ('d h:min:s', '', 'calls/h')
    """
    return {"ms": "d h:min:s", "share": ""}.get(unit, unit)


def safe(text: str, longest: int | None = None) -> str:
    r"""Write a name from outside so that nothing in it acts: what does not print is spelled; the end is cut.

    >>> safe("a\x1b[2Jb"), safe("long name", 6)
    ('a\\x1b[2Jb', 'long …')
    """
    spelled = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
    if longest is None or len(spelled) <= longest:
        return spelled
    return spelled[: longest - 1] + "…"


def label(name: str) -> str:
    """Make of the name of a metric the words of a row.

    >>> label("wait_p95_ms"), label("grant_waste")
    ('wait p95', 'grant waste')
    """
    return name.removesuffix("_ms").replace("_", " ")


def counted(count: int, thing: str) -> str:
    """Count things.

    >>> counted(1, "job"), counted(2_000, "job")
    ('1 job', '2,000 jobs')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
