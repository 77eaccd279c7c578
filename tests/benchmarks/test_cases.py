"""Every case sends what it claims: so many requests, each to another recipient, all with the same content."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cases import lanes
from benchmarks.cases.base import NAME, ORDER, Case, Place
from benchmarks.cases.catalogue import ALL, FEW, named
from benchmarks.cases.plain import NAIVE, form
from tests.benchmarks.recording import Recorded, recording
from wabotick_async.endpoints import registry

COUNT = 10
PATH = registry["send_template"].path


async def sent(case: Case, directory: Path) -> Recorded:
    if why := case.skipped():
        pytest.skip(why)
    async with recording() as recorded:
        place = Place(base_url=recorded.base_url, in_flight=3, directory=directory)
        async with case.open(place) as send:
            await send(COUNT - 2)
            await send(2)
            assert len(recorded.paths) == COUNT
    return recorded


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the peers' own making
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
async def test_each_send_is_one_request_to_another_recipient(case: Case, tmp_path: Path) -> None:
    recorded = await sent(case, tmp_path)

    recipients = {text for one in recorded.forms for text in one.values() if text.lstrip("+").startswith("919")}
    assert len(recorded.forms) == len(recipients) == COUNT
    for one in recorded.forms:
        words = " ".join(one.values())
        assert NAME in words
        assert ORDER in words


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in ALL
        if case.name.split(",")[0]
        in {"naive aiohttp loop", "the same with a worker pool", "httpx", "client.send", "BulkSender"}
    ],
    ids=lambda case: case.name,
)
async def test_all_that_send_to_this_platform_send_the_same_form(case: Case, tmp_path: Path) -> None:
    recorded = await sent(case, tmp_path)

    expected = form() | {"phone_number": ""}
    assert set(recorded.paths) == {PATH}
    assert all(one | {"phone_number": ""} == expected for one in recorded.forms)


def test_the_yardstick_comes_first_and_names_are_unique() -> None:
    assert ALL[0] is FEW[0] is NAIVE
    assert len({case.name for case in ALL}) == len(ALL)
    assert all(named(case.name) is case for case in ALL)


def test_what_is_not_installed_says_so() -> None:
    case = Case(name="peer", open=NAIVE.open, needs="no_such_package")

    assert case.skipped() == "no_such_package is not installed"
    assert NAIVE.skipped() == ""


def test_a_client_without_a_choice_has_the_session_lane_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "WabotickClient", lambda token: None)

    assert (lanes.settings("session"), lanes.settings("express")) == ({}, None)
    assert lanes.present() == ["session"]
    assert lanes.skips() == ["Skipped: express (the installed wabotick_async has no express lane)."]


def test_a_client_with_a_choice_is_asked_for_each_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "WabotickClient", lambda token, lane="express": None)

    assert lanes.present() == ["session", "express"]
    assert lanes.settings("session") == {"lane": "session"}
    assert lanes.skips() == []
