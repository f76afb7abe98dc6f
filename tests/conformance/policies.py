"""Reads the policy text of a recorded creation as the reference does (reference 3, 6.2).

Requirements are handed on raw, well-formed or not: judging them is the engine's part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, NamedTuple

from grantcore import ExecutionPolicy, Exponential, Fixed, RetryPolicy
from tests.conformance.trace_reader import Json, Record

POLICY: Final = frozenset({"routing_requirements", "retry_policy", "max_reclaim_count", "max_replay_count"})
RETRY: Final = frozenset({"max_retries", "backoff", "retryable_categories"})
BACKOFF: Final = {
    "exponential": frozenset({"type", "initial_delay_ms", "max_delay_ms", "multiplier", "jitter"}),
    "fixed": frozenset({"type", "delay_ms"}),
}


class Unsupported(Exception):
    """The recording says something that this adapter does not know: always a mismatch."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field}: {value!r}")
        self.field = field
        self.value = value


class Policy(NamedTuple):
    """The two arguments of ``create_execution`` that the text becomes."""

    required_capabilities: Json
    policy: ExecutionPolicy


def read_policy(text: str | None) -> Policy:
    """Translate; a text that is not an object means no requirements and no rules."""
    try:
        parsed = json.loads(text) if text else {}
    except json.JSONDecodeError:
        raise Unsupported("args.policy_json", text) from None
    rules = parsed if isinstance(parsed, dict) else {}
    refuse_unknown("args.policy_json", rules, POLICY)
    counts = {name: rules[name] for name in ("max_reclaim_count", "max_replay_count") if name in rules}
    return Policy(_requirements(rules), ExecutionPolicy(retry=_retry(rules), **counts))


def refuse_unknown(where: str, record: Record, known: Iterable[str]) -> None:
    """Refuse a member that nobody reads."""
    for name in record:
        if name not in known:
            raise Unsupported(f"{where}.{name}", record[name])


def _requirements(rules: Record) -> Json:
    routing = rules.get("routing_requirements", {})
    if isinstance(routing, list):
        return ()
    if not isinstance(routing, dict):
        raise Unsupported("args.policy_json.routing_requirements", routing)
    refuse_unknown("args.policy_json.routing_requirements", routing, ["required_capabilities"])
    return routing.get("required_capabilities", ())


def _retry(rules: Record) -> RetryPolicy | None:
    retry = rules.get("retry_policy")
    if not isinstance(retry, dict):
        return None
    refuse_unknown("args.policy_json.retry_policy", retry, RETRY)
    return RetryPolicy(
        max_retries=retry.get("max_retries", 0),
        backoff=_backoff(retry.get("backoff") or {}),
        retryable_categories=frozenset(retry.get("retryable_categories", ())),
    )


def _backoff(backoff: Record) -> Fixed | Exponential:
    kind = backoff.get("type", "fixed")
    if kind not in BACKOFF:
        return Fixed(1000)
    refuse_unknown("args.policy_json.retry_policy.backoff", backoff, BACKOFF[kind])
    if kind == "fixed":
        return Fixed(backoff.get("delay_ms", 1000))
    return Exponential(
        initial_delay_ms=backoff.get("initial_delay_ms", 1000),
        max_delay_ms=backoff.get("max_delay_ms", 60_000),
        multiplier_permille=round(backoff.get("multiplier", 2) * 1000),
        jitter=backoff.get("jitter", False),
    )
