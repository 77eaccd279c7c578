"""Clients of other services, each pointed at this machine by a setting that it has, and each sending its own message.

The text is the same; the form is that of the service: none of them knows this platform.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Final

import aiohttp

from benchmarks.cases.base import NAME, NUMBER, ORDER, TEXT, Case, Place, Send, gathered, next_phone_number

__all__ = ["PACKAGES", "PEERS"]

PACKAGES: Final = ("httpx", "pywa", "python-telegram-bot", "aiogram", "slack-sdk", "twilio")
"""Distributions, for their versions."""
_BOT_TOKEN: Final = "1234567:" + "a" * 35


@contextlib.asynccontextmanager
async def _pywa(place: Place) -> AsyncIterator[Send]:
    httpx, pywa = import_module("httpx"), import_module("pywa_async")
    language = import_module("pywa_async.types.templates").TemplateLanguage.ENGLISH_US
    async with httpx.AsyncClient() as session:
        whatsapp = pywa.WhatsApp(phone_id=NUMBER, token="a" * 40, session=session)
        session.base_url = place.base_url + "/graph"  # pywa has set its own

        async def one() -> None:
            texts = [
                {"type": "text", "parameter_name": name, "text": text}
                for name, text in (("name", NAME), ("order_code", ORDER))
            ]
            params = [{"type": "body", "parameters": texts}]
            await whatsapp.send_template(to=next_phone_number(), name="order", language=language, params=params)

        yield gathered(one, place.in_flight)


@contextlib.asynccontextmanager
async def _python_telegram_bot(place: Place) -> AsyncIterator[Send]:
    # Not initialised: that would only ask the server who the bot is.
    request = import_module("telegram.request").HTTPXRequest(connection_pool_size=place.connections)
    bot = import_module("telegram").Bot(_BOT_TOKEN, base_url=place.base_url + "/bot", request=request)

    async def one() -> None:
        await bot.send_message(chat_id=next_phone_number(), text=TEXT)

    await request.initialize()
    try:
        yield gathered(one, place.in_flight)
    finally:
        await request.shutdown()


@contextlib.asynccontextmanager
async def _aiogram(place: Place) -> AsyncIterator[Send]:
    server = import_module("aiogram.client.telegram").TelegramAPIServer.from_base(place.base_url)
    aiohttp_session = import_module("aiogram.client.session.aiohttp").AiohttpSession
    session = aiohttp_session(api=server, limit=place.connections)
    async with import_module("aiogram").Bot(_BOT_TOKEN, session=session) as bot:

        async def one() -> None:
            await bot.send_message(chat_id=next_phone_number(), text=TEXT)

        yield gathered(one, place.in_flight)


@contextlib.asynccontextmanager
async def _slack(place: Place, session: aiohttp.ClientSession | None) -> AsyncIterator[Send]:
    client = import_module("slack_sdk.web.async_client").AsyncWebClient(
        token="xoxb-" + "a" * 40, base_url=place.base_url + "/slack/", session=session
    )

    async def one() -> None:
        await client.chat_postMessage(channel=next_phone_number(), text=TEXT)

    yield gathered(one, place.in_flight)


@contextlib.asynccontextmanager
async def _slack_shared(place: Place) -> AsyncIterator[Send]:
    connector = aiohttp.TCPConnector(limit=place.connections)
    async with aiohttp.ClientSession(connector=connector) as session, _slack(place, session) as send:
        yield send


def _slack_default(place: Place) -> contextlib.AbstractAsyncContextManager[Send]:
    return _slack(place, None)


@contextlib.asynccontextmanager
async def _twilio(place: Place) -> AsyncIterator[Send]:
    http = import_module("twilio.http.async_http_client").AsyncTwilioHttpClient()
    async with http:
        client = import_module("twilio.rest").Client("AC" + "0" * 32, "a" * 32, http_client=http)
        client.api.base_url = place.base_url

        async def one() -> None:
            await client.messages.create_async(to=f"+{next_phone_number()}", from_=f"+{NUMBER}", body=TEXT)

        yield gathered(one, place.in_flight)


PEERS: Final = (
    Case(name="slack_sdk async, shared session", open=_slack_shared, needs="slack_sdk"),
    Case(name="slack_sdk async, its default", open=_slack_default, needs="slack_sdk"),
    Case(name="twilio async", open=_twilio, needs="twilio"),
    Case(name="aiogram Bot", open=_aiogram, needs="aiogram"),
    Case(name="pywa async", open=_pywa, needs="pywa_async"),
    Case(name="python-telegram-bot", open=_python_telegram_bot, needs="telegram"),
)
