"""What the package must never do, read from its source: unpickle, evaluate, trust blindly, fetch by itself."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
import pytest

import wabotick_async
from tests.structure.source import outer_imports, parse, read_modules
from wabotick_async import ExpressPool, SessionPool, WabotickClient
from wabotick_async.cli.app import app
from wabotick_async.redaction import is_secret_name
from wabotick_async.transport.express.opener import Opener
from wabotick_async.values import Secret

FORBIDDEN_MODULES: Final = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "yaml",
    "telnetlib",
}
FORBIDDEN_CALLS: Final = {"eval", "exec", "compile", "__import__", "breakpoint"}
# What would switch the check of certificates off, follow a redirect, keep cookies, or trust the environment's proxy.
FORBIDDEN_KEYWORDS: Final = {
    "ssl": {False},
    "verify": {False},
    "verify_ssl": {True, False},
    "check_hostname": {False},
    "allow_redirects": {True},
    "trust_env": {True},
    "shell": {True},
}
FORBIDDEN_NAMES: Final = {"CERT_NONE", "_create_unverified_context", "CookieJar", "mktemp"}

MODULES: Final = read_modules()


def faults_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: {node.func.id}()"
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if isinstance(value, bool) and value in FORBIDDEN_KEYWORDS.get(keyword.arg or "", ()):
                    yield f"line {node.lineno}: {keyword.arg}={value}"
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                value = node.value.value if isinstance(node.value, ast.Constant) else None
                if isinstance(target, ast.Attribute) and value in FORBIDDEN_KEYWORDS.get(target.attr, ()):
                    yield f"line {node.lineno}: {target.attr} = {value!r}"
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in FORBIDDEN_NAMES:
                yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_does_nothing_of_that(name: str) -> None:
    assert not list(faults_in(MODULES[name].tree))
    assert not outer_imports(MODULES[name]) & FORBIDDEN_MODULES


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "exec(code)",
        "session.post(url, ssl=False)",
        "session.post(url, allow_redirects=True)",
        "aiohttp.ClientSession(trust_env=True)",
        "get(url, verify=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "subprocess.run(text, shell=True)",
        "ssl._create_unverified_context()",
        "aiohttp.CookieJar()",
    ],
)
def test_the_reader_of_sources_would_find_it(text: str) -> None:
    assert list(faults_in(ast.parse(text)))


def test_the_reader_of_sources_would_find_an_import() -> None:
    module = parse({"a.py": "def load():\n    from pickle import loads"})["a"]
    assert outer_imports(module) & FORBIDDEN_MODULES


def public_callables() -> Iterator[tuple[str, Any]]:
    for name in wabotick_async.__all__:
        value = getattr(wabotick_async, name)
        if not callable(value):
            continue
        yield name, value
        for inner, method in vars(value).items() if isinstance(value, type) else ():
            if not inner.startswith("_") and callable(method):
                yield f"{name}.{inner}", method


def test_nothing_public_takes_a_switch_for_certificates() -> None:
    seen = 0
    for name, value in public_callables():
        try:
            parameters = inspect.signature(value).parameters
        except (TypeError, ValueError):
            continue
        seen += 1
        assert not [one for one in parameters if "verify" in one or "insecure" in one or one == "ssl"], name
    assert seen > 50


def test_certificates_are_checked_by_default() -> None:
    assert inspect.signature(WabotickClient).parameters["ssl_context"].default is None
    assert inspect.signature(SessionPool).parameters["ssl_context"].default is None
    assert inspect.signature(ExpressPool).parameters["ssl_context"].default is None


async def test_the_express_lane_checks_certificates() -> None:
    opener = Opener(asyncio.get_running_loop(), None, None)
    assert opener._connector._ssl is True
    await opener.close()


async def test_the_session_trusts_neither_cookies_nor_the_environment() -> None:
    pool = WabotickClient("1|SECRETSECRETSECRETSECRETSECRET")._pool
    assert isinstance(pool, SessionPool)
    session = pool._open()
    connector = session.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
    assert not session.trust_env
    assert connector._ssl is True
    await session.close()


def test_a_secret_is_no_text_and_no_subclass_of_one() -> None:
    # A subclass of str is masked by f"{x}" and shows itself in json.dumps, "".join and +.
    assert not issubclass(Secret, str | bytes)
    assert not hasattr(Secret("x"), "__dict__")
    with pytest.raises(TypeError):
        "".join([Secret("x")])  # type: ignore[list-item]  # that is the point
    with pytest.raises(TypeError):
        Secret("x") + "y"  # type: ignore[operator]  # that is the point


def test_no_option_of_a_command_is_a_token() -> None:
    # Everybody on the machine can read the arguments of a process.
    for command in app.registered_commands:
        assert command.callback is not None
        names = inspect.signature(command.callback).parameters
        assert not [name for name in names if is_secret_name(name) and name != "token_file"], command.name
