"""Chapter 8: creating and changing (SPEC 5; reference 3, 6.5, 9.3, 9.4, 10; D-13, D-17, D-20)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grantcore import (
    BudgetNotFound,
    Created,
    Duplicate,
    ExecutionNotEligible,
    ExecutionNotTerminal,
    ExecutionPolicy,
    LaneDraining,
    LaneStatus,
    LeaseEvent,
    LimitExceeded,
    MaxReplaysExhausted,
    NotBlockedByDeps,
    NotRunnable,
    Phase,
    PriorityChanged,
    QuotaPolicyNotFound,
    Replayed,
)
from grantcore.testing.model import forms
from grantcore.testing.model.passing import Passing
from grantcore.testing.model.records import RUNNABLE, TERMINAL, Execution, Key

NO_POLICY = ExecutionPolicy()
NO_TAGS: Mapping[str, str] = {}


class Executions(Passing):
    """What is to be done."""

    def create_execution(
        self,
        *,
        lane_id: str,
        execution_id: str | None = None,
        priority: int = 0,
        required_capabilities: Iterable[str] = (),
        delay_until_ms: int | None = None,
        deadline_at_ms: int | None = None,
        policy: ExecutionPolicy = NO_POLICY,
        payload: bytes | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        namespace: str = "default",
        execution_kind: str = "",
        creator_identity: str = "",
        idempotency_key: str | None = None,
        quota_policy_id: str | None = None,
        budget_ids: Iterable[str] = (),
    ) -> Created | Duplicate:
        """Form, duplicates (D-28), what is named exists, room; then eligible, or delayed (reference 3)."""
        config = self._config
        required, quota_policy_id, budgets = self._judge_shared(
            lane_id=lane_id,
            required_capabilities=required_capabilities,
            namespace=namespace,
            execution_kind=execution_kind,
            creator_identity=creator_identity,
            policy=policy,
            quota_policy_id=quota_policy_id,
            budget_ids=budget_ids,
        )
        if execution_id is not None:
            forms.execution_id(execution_id)
        forms.integer("priority", priority, -forms.MAX_MS, forms.MAX_MS)
        forms.optional_instant("delay_until_ms", delay_until_ms)
        forms.optional_instant("deadline_at_ms", deadline_at_ms)
        payload = forms.blob("payload", payload, config.max_payload_bytes)
        tags = forms.tags(tags, config.max_tags, config.max_text_bytes)
        forms.tag_names(tags)
        key = forms.optional_text("idempotency_key", idempotency_key, forms.MAX_NAME_BYTES)
        now = self._enter()
        duplicate = self._duplicate(now, namespace, key, execution_id)
        if duplicate is not None:
            return duplicate
        self._must_exist(quota_policy_id, budgets)
        self._must_be_open(lane_id)
        self._must_have_room(lane_id, (required, quota_policy_id, budgets))
        execution = Execution(
            execution_id=self._ids.execution_id(lane_id) if execution_id is None else execution_id,
            lane_id=lane_id,
            required=required,
            namespace=namespace,
            execution_kind=execution_kind,
            creator_identity=creator_identity,
            policy=policy,
            quota_policy_id=quota_policy_id,
            budget_ids=budgets,
            payload=payload,
            tags=dict(tags),
            created_at_ms=now,
            phase=Phase.ELIGIBLE,
            priority=clamped(priority),
            last_transition_at_ms=now,
            last_mutation_at_ms=now,
        )
        self._set_deadline(execution, now, deadline_at_ms)
        if delay_until_ms is not None and delay_until_ms > now:
            self._delay(execution, now, delay_until_ms, "waiting_for_delay")
        if key is not None:
            self._remember(namespace, key, execution.execution_id, now)
        self.executions.append(execution)
        self._tell("Created", execution.execution_id, now)
        return Created(execution.execution_id, "delayed" if execution.phase is Phase.DELAYED else "waiting")

    def _judge_shared(
        self,
        *,
        lane_id: object,
        required_capabilities: object,
        namespace: object,
        execution_kind: object,
        creator_identity: object,
        policy: object,
        quota_policy_id: object,
        budget_ids: object,
    ) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
        """What executions share: the form of it; tokens, quota policy and budgets as they are kept."""
        forms.lane_id(lane_id)
        required = forms.tokens("required", required_capabilities)
        for field, value in (
            ("namespace", namespace),
            ("execution_kind", execution_kind),
            ("creator_identity", creator_identity),
        ):
            forms.text(field, value, forms.MAX_NAME_BYTES)
        forms.one_of("policy", policy, ExecutionPolicy)
        quota = forms.optional_text("quota_policy_id", quota_policy_id, forms.MAX_NAME_BYTES)
        return required, quota, forms.names("budget_ids", budget_ids)

    def _duplicate(
        self, now: int, namespace: str, key: str | None, execution_id: str | None
    ) -> Duplicate | None:
        """A key first, in its namespace and window (D-20, D-27); then the id."""
        for known in self.keys:
            if (known.namespace, known.key) == (namespace, key) and now < known.expires_at_ms:
                return Duplicate(known.execution_id, "idempotency_key")
        if execution_id is not None and self._known(execution_id) is not None:
            return Duplicate(execution_id, "execution_id")
        return None

    def _remember(self, namespace: str, key: str, execution_id: str, now: int) -> None:
        ends = min(now + self._config.idempotency_window_ms, forms.MAX_MS)
        self.keys = [known for known in self.keys if now < known.expires_at_ms]
        self.keys.append(Key(namespace, key, execution_id, ends))

    def _must_exist(self, quota_policy_id: str | None, budget_ids: tuple[str, ...]) -> None:
        """Quota policy and budgets (SPEC 8)."""
        if quota_policy_id is not None and self._quota(quota_policy_id) is None:
            raise QuotaPolicyNotFound
        if any(self._budget_of(budget_id) is None for budget_id in budget_ids):
            raise BudgetNotFound

    def _must_be_open(self, lane_id: str) -> None:
        """The lane takes new executions (SPEC 7)."""
        if self._lane(lane_id).state is LaneStatus.DRAINING:
            raise LaneDraining

    def _must_have_room(self, lane_id: str, shelf: tuple[object, ...]) -> None:
        """max_executions, and max_shelves_per_lane of those that wait for a fresh attempt (SPEC 11)."""
        most = self._config.max_executions
        if most is not None and len(self.executions) >= most:
            raise LimitExceeded(limit="max_executions")
        shelves = {
            (other.required, other.quota_policy_id, other.budget_ids)
            for other in self.executions
            if other.lane_id == lane_id and other.phase is Phase.ELIGIBLE
            if other.offered and not other.interrupted
        }
        if shelf not in shelves and len(shelves) >= self._config.max_shelves_per_lane:
            raise LimitExceeded(limit="max_shelves_per_lane")

    def _set_deadline(self, execution: Execution, now: int, deadline_at_ms: int | None) -> None:
        """An instant already past is due at the instant that set it (SPEC 3)."""
        execution.deadline_at_ms = deadline_at_ms
        execution.deadline_due_ms = None if deadline_at_ms is None else max(deadline_at_ms, now)

    def change_priority(self, execution_id: str, new_priority: int) -> PriorityChanged:
        """Only while ELIGIBLE, on purpose (reference 9.3)."""
        forms.integer("new_priority", new_priority, -forms.MAX_MS, forms.MAX_MS)
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase is not Phase.ELIGIBLE:
            raise ExecutionNotEligible
        old, execution.priority = execution.priority, clamped(new_priority)
        execution.last_mutation_at_ms = now
        self._tell("PriorityChanged", execution_id, now)
        return PriorityChanged(execution_id, old, execution.priority)

    def set_execution_tags(self, execution_id: str, tags: Mapping[str, str]) -> None:
        """Names are judged after existence; merged into what there is (reference 9.4)."""
        config = self._config
        given = forms.tags(tags, config.max_tags, config.max_text_bytes)
        if not given:
            raise forms.refused("tags", "at least one")
        now = self._enter()
        execution = self._find(execution_id)
        forms.tag_names(given)
        merged = {**execution.tags, **given}
        if len(merged) > config.max_tags:
            raise forms.refused("tags", f"at most {config.max_tags}")
        execution.tags = merged
        execution.last_mutation_at_ms = now
        self._tell("TagsChanged", execution_id, now)

    def promote_blocked_to_eligible(self, execution_id: str) -> None:
        """The children are done (reference 6.5); orders are not lifted (D-33)."""
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase not in RUNNABLE:
            raise NotRunnable
        if execution.blocked_for != "waiting_for_children":
            raise NotBlockedByDeps
        execution.blocked_for = None
        self._move(execution, Phase.ELIGIBLE, now)
        self._tell("ChildrenDone", execution_id, now)

    def replay_execution(
        self,
        execution_id: str,
        *,
        requested_by: str = "",
        reason: str = "",
        deadline_at_ms: int | None = None,
    ) -> Replayed:
        """A new life: counts, marks, result, progress are gone; epoch, attempts, history go on (D-17)."""
        forms.text("requested_by", requested_by, self._config.max_text_bytes)
        forms.text("reason", reason, self._config.max_text_bytes)
        forms.optional_instant("deadline_at_ms", deadline_at_ms)
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase not in TERMINAL:
            raise ExecutionNotTerminal
        if execution.replay_count >= execution.policy.max_replay_count:
            raise MaxReplaysExhausted
        self._forget_last_life(execution)
        self._set_deadline(execution, now, deadline_at_ms)
        execution.replay_count += 1
        execution.next_attempt = "pending_replay_attempt"
        execution.pending_replay_reason = reason or None
        execution.pending_replay_requested_by = requested_by or None
        if execution.attempts:
            execution.pending_previous_attempt_index = len(execution.attempts) - 1
        line = LeaseEvent(
            event="replay_initiated",
            at_ms=now,
            replay_count=execution.replay_count,
            replay_type="normal",
            reason=reason or None,
            requested_by=requested_by or None,
        )
        self._note(execution, line)
        self._move(execution, Phase.ELIGIBLE, now)
        self._tell("Replayed", execution_id, now)
        return Replayed(execution_id, "waiting")

    def _forget_last_life(self, execution: Execution) -> None:
        execution.retry_count = execution.reclaim_count = 0
        execution.started_at_ms = execution.completed_at_ms = None
        execution.result = execution.failure_reason = None
        execution.cancellation_reason = execution.cancelled_by = None
        execution.progress_pct = execution.progress_message = execution.progress_at_ms = None
        execution.delay_until_ms = execution.revoked_at_ms = None
        execution.revoke_reason = ""
        execution.pending_retry_reason = execution.pending_previous_attempt_index = None

    def purge_execution(self, execution_id: str) -> None:
        """Forget an execution that has ended."""
        now = self._enter()
        execution = self._find(execution_id)
        if execution.phase not in TERMINAL:
            raise ExecutionNotTerminal
        self._purge(execution, now)


def clamped(priority: int) -> int:
    """0..9000 (SPEC 7)."""
    return min(max(priority, 0), 9000)
