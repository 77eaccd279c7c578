"""The judge finds made-up lies; without this, every green fault test would prove nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.stage import Stage, messages, phones
from tests.faults.truth import assert_truthful, find_lies
from wabotick_async.bulk.journal import RowDetail, State
from wabotick_async.sandbox import LedgerEntry

SOURCE = ["91", "92", "93"]


def entry(receiver: str, message_id: str | None = None, *, by_server: bool = False) -> LedgerEntry:
    return LedgerEntry(
        time=0.0,
        endpoint="send_text",
        phone_number_id="1",
        phone_number=receiver,
        message_id=message_id or f"wamid.{receiver}",
        digest="d",
        fields={},
        by_server=by_server,
    )


def row(receiver: str, state: State, message_id: str | None = None, code: str | None = None) -> RowDetail:
    return RowDetail(
        seq=int(receiver),
        state=state,
        receiver=receiver,
        endpoint="send_text",
        payload=b"{}",
        attempts=1,
        not_before=0.0,
        run=1,
        claimed_at=None,
        done_at=None,
        http=None,
        code=code,
        message_id=message_id,
        note=None,
    )


def accepted(receiver: str) -> RowDetail:
    return row(receiver, State.ACCEPTED, f"wamid.{receiver}")


TRUE_LEDGER = [entry("91"), entry("92")]
TRUE_JOURNAL = [accepted("91"), row("92", State.UNKNOWN), row("93", State.QUEUED)]

LIES: dict[str, tuple[list[LedgerEntry], list[RowDetail], list[str]]] = {
    "lost: 93": (TRUE_LEDGER, TRUE_JOURNAL[:2], SOURCE),
    "lost: 93 x 2": (TRUE_LEDGER, TRUE_JOURNAL, [*SOURCE, "93", "93"]),
    "invented: 93": (TRUE_LEDGER, TRUE_JOURNAL, SOURCE[:2]),
    "still in flight: row 93": (TRUE_LEDGER, [*TRUE_JOURNAL[:2], row("93", State.IN_FLIGHT)], SOURCE),
    "duplicated: 91": ([*TRUE_LEDGER, entry("91", "wamid.second")], TRUE_JOURNAL, SOURCE),
    "duplicated: 92": ([*TRUE_LEDGER, entry("92")], TRUE_JOURNAL, SOURCE),
    "unaccounted for: 94": ([*TRUE_LEDGER, entry("94")], TRUE_JOURNAL, SOURCE),
    "falsely accepted: row 91, the server": (TRUE_LEDGER[1:], TRUE_JOURNAL, SOURCE),
    "falsely accepted: row 91 has": ([entry("91", "wamid.other")], TRUE_JOURNAL, SOURCE),
    "falsely queued: row 93": ([*TRUE_LEDGER, entry("93")], TRUE_JOURNAL, SOURCE),
    "falsely refused: row 93": ([entry("93")], [row("93", State.REFUSED)], ["93"]),
    "falsely skipped: row 93": ([entry("93")], [row("93", State.SKIPPED, code="invalid")], ["93"]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    found = find_lies(*LIES[lie])
    assert any(one.startswith(lie) for one in found), found


def test_the_truth_is_no_lie() -> None:
    assert find_lies(TRUE_LEDGER, TRUE_JOURNAL, SOURCE) == []


def test_unknown_may_go_either_way() -> None:
    assert find_lies([], [row("91", State.UNKNOWN)], ["91"]) == []
    assert find_lies([entry("91")], [row("91", State.UNKNOWN)], ["91"]) == []


def test_a_repeat_in_the_source_is_no_false_skip() -> None:
    repeat = row("91", State.SKIPPED, code="duplicate")
    assert find_lies([entry("91")], [accepted("91"), repeat], ["91", "91"]) == []


def test_a_copy_that_the_server_made_is_not_the_clients_doing() -> None:
    assert find_lies([entry("91"), entry("91", by_server=True)], [accepted("91")], ["91"]) == []


TAMPER: dict[str, Callable[[Stage], object]] = {
    "lost": lambda stage: stage.sandbox.ledger.entries.append(entry("9")),
    "duplicated": lambda stage: stage.sandbox.ledger.entries.append(stage.sandbox.ledger.entries[0]),
    "falsely accepted": lambda stage: stage.sandbox.ledger.entries.pop(),
}


@pytest.mark.parametrize("lie", TAMPER)
async def test_a_tampered_ledger_turns_a_real_campaign_red(stage: Stage, lie: str) -> None:
    await stage.run(messages(5))
    assert (await stage.judge(phones(5))).accepted == 5
    TAMPER[lie](stage)
    with pytest.raises(AssertionError):
        assert_truthful(stage.sandbox.ledger, stage.path, phones(5))
