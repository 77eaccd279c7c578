"""The client: settings, doors, and nothing that gives the token away."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import aiohttp
import pytest
import tenacity

from tests.transport.test_retry import MATRIX
from wabotick_async import (
    ConfigurationError,
    Limits,
    RetryPolicy,
    SendTemplate,
    SessionPool,
    Timeout,
    WabotickClient,
    WabotickError,
)
from wabotick_async.testing import FakeTransport, fake_client
from wabotick_async.values import Secret

TOKEN = "1|SECRETSECRETSECRETSECRETSECRET"
SEND = SendTemplate(phone_number="919800000000", template_id="48")


def test_from_the_environment() -> None:
    client = WabotickClient.from_env(
        {"WABOTICK_API_TOKEN": TOKEN, "WABOTICK_PHONE_NUMBER_ID": "109", "WABOTICK_BASE_URL": "https://other.example/"}
    )
    assert repr(client) == "WabotickClient(base_url='https://other.example', phone_number_id='109')"


def test_settings_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOTICK_API_TOKEN", TOKEN)
    monkeypatch.setenv("WABOTICK_PHONE_NUMBER_ID", "109")
    monkeypatch.delenv("WABOTICK_BASE_URL", raising=False)
    client = WabotickClient.from_env(phone_number_id="200", timeout=Timeout(total=3))
    assert (client.phone_number_id, client.base_url, client.timeout.total) == ("200", "https://app.wabotick.com", 3)


@pytest.mark.parametrize("environ", [{}, {"WABOTICK_API_TOKEN": ""}])
def test_the_environment_lacks_the_token(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="WABOTICK_API_TOKEN is not set"):
        WabotickClient.from_env(environ)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "token without a bar": ({"api_token": "SECRETSECRET"}, "api_token"),
    "empty token": ({"api_token": " "}, "api_token"),
    "token with a line break": ({"api_token": "1|SECRET\r\nX: y"}, "api_token"),
    "token with umlauts": ({"api_token": "1|SECRETö"}, "api_token"),
    "no token": ({"api_token": None}, "api_token"),
    "token of bytes": ({"api_token": b"1|SECRET"}, "api_token"),
    "plain http": ({"base_url": "http://wabotick.example"}, "https"),
    "plain http for the team": ({"team_base_url": "http://wabotick.example"}, "team_base_url"),
    "another scheme": ({"base_url": "ftp://127.0.0.1"}, "base_url"),
    "a path": ({"base_url": "https://a.example/api/v1"}, "path"),
    "a login": ({"base_url": "https://u:p@a.example"}, "login"),
    "nothing": ({"base_url": ""}, "base_url"),
    "no text": ({"base_url": 5}, "base_url"),
    "number id of letters": ({"phone_number_id": "abc"}, "phone_number_id"),
    "empty number id": ({"phone_number_id": ""}, "phone_number_id"),
}


@pytest.mark.parametrize(("settings", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_told_before_anything_is_sent(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        WabotickClient(**{"api_token": TOKEN, **settings})
    assert "SECRET" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:9", "https://a.example"])
def test_a_good_base_url(url: str) -> None:
    assert WabotickClient(TOKEN, base_url=url).base_url == url


def test_a_secret_is_a_token_too() -> None:
    assert WabotickClient(Secret(f" {TOKEN} "))._token.reveal() == TOKEN


@pytest.mark.parametrize(
    ("kind", "field"),
    [(Limits, "rate"), (Limits, "burst"), (Limits, "concurrency"), (Timeout, "total"), (RetryPolicy, "attempts")],
)
def test_a_setting_below_its_least_value(kind: type, field: str) -> None:
    with pytest.raises(ConfigurationError, match=field):
        kind(**{field: 0})


async def test_closing_other_options_closes_nothing() -> None:
    client = WabotickClient(TOKEN)
    async with client.with_options(phone_number_id="200"):
        pass
    assert isinstance(client._pool, SessionPool)
    assert "not opened yet" in repr(client._pool)
    await client.close()
    await client.close()
    assert "closed" in repr(client._pool)


def test_wrong_other_options_are_told() -> None:
    with pytest.raises(ConfigurationError, match="phone_number_id"):
        fake_client().with_options(phone_number_id="x")


async def test_both_doors_send_the_same() -> None:
    transport = FakeTransport(default={"status": "1"})
    client = fake_client(transport)
    await client.messages.send_template(phone_number="919800000000", template_id="48")
    await client.send(SEND)
    assert transport.requests[0] == transport.requests[1]


@pytest.mark.parametrize("fault", [case for case, _ in MATRIX.values()], ids=MATRIX)
async def test_the_token_is_nowhere(fault: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = fake_client(FakeTransport(*(fault() for _ in range(4))), api_token=TOKEN)
    with pytest.raises(WabotickError) as caught:
        await client.send(SEND)
    error = caught.value
    seen = [repr(error), str(error), repr(vars(error)), repr(client), repr(vars(client)), repr(client.messages)]
    assert "SECRETSECRET" not in " ".join([*seen, caplog.text])
    assert "SECRETSECRET" not in repr(pickle.loads(pickle.dumps(error)).__dict__)


async def test_a_token_that_the_server_quotes_is_blanked() -> None:
    client = fake_client(FakeTransport({"status": "0", "message": f"bad token {TOKEN}"}), api_token=TOKEN)
    with pytest.raises(WabotickError) as caught:
        await client.send(SEND)
    assert "SECRET" not in f"{caught.value} {vars(caught.value)}"


def errors_of(base: type[Exception]) -> set[type[Exception]]:
    return {base, *(below for one in base.__subclasses__() for below in errors_of(one))}


@pytest.mark.parametrize("error_type", sorted({*errors_of(aiohttp.ClientError), TimeoutError, RuntimeError}, key=str))
async def test_every_error_of_aiohttp_becomes_ours(
    error_type: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Made(error_type):  # type: ignore[valid-type,misc]  # any of them, without its way of construction
        def __init__(self) -> None:
            pass

        def __str__(self) -> str:
            return "said"

    async def fails(*_: object) -> None:
        raise Made

    monkeypatch.setattr(SessionPool, "_post_once", fails)
    async with WabotickClient(TOKEN, phone_number_id="1", retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(WabotickError, match="send_template: "):
            await client.send(SEND)


def test_no_error_of_ours_is_another_librarys() -> None:
    foreign = (aiohttp.ClientError, tenacity.RetryError, TimeoutError, OSError)
    assert not [one for one in errors_of(WabotickError) if issubclass(one, foreign)]
