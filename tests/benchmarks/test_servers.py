"""Both servers count what they are asked, and answer each peer in its own form."""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.servers import certificate, nginx
from benchmarks.servers.answers import ANSWERS
from benchmarks.servers.base import Server, Status
from benchmarks.servers.ceiling import ceiling
from benchmarks.servers.certificate import make_certificate
from benchmarks.servers.choice import serving
from benchmarks.servers.own import own

Start = Callable[[Path], AbstractContextManager[Server]]


@contextlib.contextmanager
def _nginx(directory: Path) -> Iterator[Server]:
    if nginx.program() is None:
        pytest.skip("nginx is not installed")
    with nginx.nginx(None, directory, make_certificate(directory)) as server:
        yield server


@contextlib.contextmanager
def _own(directory: Path) -> Iterator[Server]:
    with own(None, make_certificate(directory)) as server:
        yield server


@pytest.fixture(params=[_own, _nginx], ids=["own", "nginx"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    start: Start = request.param
    with start(tmp_path) as running:
        yield running


def post(url: str, authority: str = "") -> tuple[int, str]:
    trust = ssl.create_default_context(cafile=authority) if authority else None
    with urllib.request.urlopen(url, data=b"apiToken=a", timeout=10, context=trust) as answer:
        return answer.status, answer.read().decode()


def test_each_service_gets_its_answer_and_all_are_counted(server: Server) -> None:
    before = server.status()

    answers = [post(server.base_url + one.prefix + "send") for one in ANSWERS]

    assert [status for status, _ in answers] == [one.status for one in ANSWERS]
    assert [json.loads(text).keys() for _, text in answers] == [json.loads(one.body("1")).keys() for one in ANSWERS]
    assert server.status().since(before).requests == len(ANSWERS)


def test_no_message_id_comes_twice_and_tls_is_the_same_server(server: Server) -> None:
    before = server.status()
    urls = [(server.base_url, ""), (server.tls_url, server.authority)] * 2

    ids = {json.loads(post(url + "/api/v1/send", authority)[1])["data"]["message_id"] for url, authority in urls}

    assert len(ids) == server.status().since(before).requests == 4


def test_openssl_makes_a_certificate_where_trustme_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(certificate, "import_module", missing)
    found = make_certificate(tmp_path)
    if found is None:
        pytest.skip("openssl is not installed")

    with own(None, found) as server:
        assert post(server.tls_url + "/api/v1/send", server.authority)[0] == 200


def test_a_look_does_not_count_itself() -> None:
    assert Status(8, 2.0).since(Status(5, 0.5)) == Status(2, 1.5)


def test_ours_takes_the_place_of_nginx_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nginx, "program", lambda: None)

    with serving(None, tls=True) as server:
        assert server.name.startswith("the small one of ours")
        assert server.tls_url.startswith("https://127.0.0.1:")


def test_without_wrk_nobody_knows_the_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert ceiling(Server(name="none", base_url="http://127.0.0.1:1", pid=0), None) is None


def test_the_answers_of_nginx_are_those_of_ours(tmp_path: Path) -> None:
    text = nginx.configuration(tmp_path, 8080, None, None)

    assert all(f"location {one.prefix} {{ return {one.status} '{one.before}" in text for one in ANSWERS)
    assert "ssl" not in text
