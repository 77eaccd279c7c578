"""`wabotick call` reaches every endpoint, in both dialects."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import LiveSandbox, Run, settings_of
from wabotick_async import registry
from wabotick_async.sandbox import Dialect, Fault, FaultKind, Sandbox

PHONE = "phone_number=+91 98123-45671"
CALLS = {
    "connect_account": ["user_id=7", "whatsapp_business_account_id=555", "access_token=@meta"],
    "send_template": [PHONE, "template_id=101", 'variables={"name":"Ada","order-code":"A-1"}'],
    "send_text": [PHONE, "message=Hi = there 🎉"],
    "get_conversation": [PHONE, "limit=10", "page=1"],
    "trigger_bot_flow": [PHONE, "bot_flow_unique_id=5lvomLOuENXIe6D"],
    "send_media": [PHONE, "media_url=https://files.test/a.jpg", "caption=Look"],
    "upload_media": ["file=@a.png"],
    "list_postbacks": [],
    "get_message_status": ["message_id=WAMID"],
    "send_broadcast_template": ["flow_data=@flow.json"],
    "list_templates": [],
    "get_subscriber": [PHONE],
    "create_subscriber": ["phone_number=919812345679", "name=Ada"],
    "list_subscribers": ["limit=5", "offset=1"],
    "update_subscriber": [PHONE, "first_name=Ada"],
    "delete_subscriber": ["phone_number=919812345678"],
    "list_custom_fields": [],
    "add_note": [PHONE, "note_text=called"],
    "assign_chat": [PHONE, "team_member_id=3"],
    "reset_user_input_flow": [PHONE],
    "assign_custom_fields": [PHONE, 'custom_fields={"company":"Acme"}'],
    "assign_labels": [PHONE, "label_ids=1,2"],
    "remove_labels": [PHONE, "label_ids=1"],
    "assign_sequences": [PHONE, "sequence_ids=11"],
    "remove_sequences": [PHONE, "sequence_ids=11"],
    "list_labels": [],
    "create_label": ["label_name=VIP"],
    "list_catalogs": [],
    "sync_catalog": ["catalog_id=762561142206860"],
    "list_catalog_orders": [],
    "update_order_status": ["order_unique_id=172310467380123456789", "cart_status=Shipped"],
}
READS_ROWS = {name for name in CALLS if name.startswith("list_")} | {"get_conversation"}


@pytest.fixture(scope="module", params=Dialect)
def platform(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with LiveSandbox(dialect=request.param, auto_window=True) as sandbox:
        for phone_number in ("919812345671", "919812345678"):
            sandbox.receive(phone_number, "Hello")
        yield sandbox


@pytest.fixture
def prepared(platform: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Settings, and a directory with the files that the calls name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"pixels")
    (tmp_path / "meta").write_text("EAAmadeup\n")
    (tmp_path / "flow.json").write_text('{"nodes": []}')
    for name, value in settings_of(platform).items():
        monkeypatch.setenv(name, value)
    return platform


def arguments_of(name: str, sandbox: Sandbox) -> list[str]:
    if name != "get_message_status":
        return CALLS[name]
    sent = sandbox.receive("919812345671", "Hello").message_id
    return [f"message_id={sandbox.ledger.entries[0].message_id if sandbox.ledger.entries else sent}"]


def test_there_is_a_call_of_every_endpoint() -> None:
    assert CALLS.keys() == registry.keys()


@pytest.mark.parametrize("name", CALLS)
def test_every_endpoint_answers(prepared: Sandbox, run: Run, name: str) -> None:
    if name == "get_message_status":
        run("call", "send_text", *CALLS["send_text"])

    code, out, err = run("call", name, *arguments_of(name, prepared), "--json")

    assert (code, err) == (0, "")
    assert isinstance(json.loads(out), list if name in READS_ROWS else dict)
    assert prepared.token not in out
    assert not re.search(r"(?<!\w)EAA\w{20,}", out)  # message ids may hold the letters, too


@pytest.mark.parametrize("name", ["list_labels", "get_subscriber", "send_text", "list_templates"])
def test_answers_for_people_are_lines(prepared: Sandbox, run: Run, name: str) -> None:
    code, out, err = run("call", name, *CALLS[name])

    assert (code, err) == (0, "")
    assert all(not line or line.split(maxsplit=1)[0].isidentifier() for line in out.splitlines())


@pytest.mark.parametrize(("form", "expected"), [([], "nothing found\n"), (["--json"], "null\n")])
def test_nobody_is_an_answer(sandbox: Sandbox, run: Run, form: list[str], expected: str) -> None:
    assert run("call", "get_subscriber", "phone_number=919812345677", *form) == (0, expected, "")


def test_without_an_endpoint_all_are_listed(run: Run) -> None:
    assert [line.split()[0] for line in run("call").out.splitlines()] == [*registry]


def test_the_list_as_json_names_the_fields(run: Run) -> None:
    listed = {one["name"]: one for one in json.loads(run("call", "--json").out)}

    assert listed["send_text"]["fields"] == ["phone_number_id", "phone_number", "message"]
    assert listed["send_text"]["safety"] == "unsafe"


BAD = {
    "endpoint": (["send_fax"], "call: no endpoint 'send_fax'; `wabotick call` lists them"),
    "field": (["send_text", "msg=x"], "call send_text: no field 'msg'"),
    "missing": (["send_text", PHONE], "call send_text: message: expected a value"),
    "no sign": (["send_text", "message"], "call send_text: expected field=value, got 'message'"),
    "twice": (["send_text", "message=a", "message=b"], "call send_text: message: expected it once"),
    "phone": (["send_text", "phone_number=12", "message=a"], "call send_text: phone_number: expected 7 to 15 digits"),
    "number": (["get_conversation", PHONE, "limit=ten"], "limit: expected a whole number from 1 to 50, got 'ten'"),
    "range": (["get_conversation", PHONE, "limit=51"], "limit: expected a whole number from 1 to 50, got 51"),
    "json": (["send_broadcast_template", "flow_data={"], "flow_data: expected JSON"),
    "json file": (["send_broadcast_template", "flow_data=@gone"], "flow_data: expected a readable file, got 'gone'"),
    "file": (["upload_media", "file=a.png"], "file: expected @ and the path of a file, got 'a.png'"),
    "no file": (["upload_media", "file=@gone.png"], "file: expected a readable file, got 'gone.png'"),
    "secret": (["connect_account", "access_token=EAAsecret"], "access_token: expected @PATH or - for standard input"),
    "no secret": (["connect_account", "access_token=@gone"], "access_token: expected a readable file, got 'gone'"),
}


@pytest.mark.parametrize(("arguments", "expected"), BAD.values(), ids=BAD)
def test_bad_input_is_found_before_anything_is_sent(
    sandbox: Sandbox, run: Run, arguments: list[str], expected: str
) -> None:
    code, out, err = run("call", *arguments)

    assert (code, out) == (2, "")
    assert expected in err.splitlines()[0]
    assert "EAAsecret" not in err
    assert len(sandbox.requests) == 0


def test_a_wrong_field_brings_the_list_of_fields(run: Run) -> None:
    lines = run("call", "upload_media", "x=1").err.splitlines()

    assert [line.split()[0] for line in lines[2:]] == ["phone_number_id", "file", "file_name", "content_type"]
    assert lines[3].split(maxsplit=1)[1] == "@PATH, required"


def test_a_secret_comes_from_standard_input(sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("EAAmadeup\n"))

    result = run("call", "connect_account", "user_id=7", "whatsapp_business_account_id=555", "access_token=-")

    assert result.code == 0
    assert sandbox.state.connected == ["555"]


def test_a_refusal_is_one_line(run: Run, sandbox: Sandbox) -> None:
    code, out, err = run("call", "send_template", PHONE, "template_id=999")

    assert (code, out) == (1, "")
    assert err == "wabotick: send_template: Message template not found.\n"


def test_an_unknown_outcome_warns(run: Run, sandbox: Sandbox) -> None:
    sandbox.script(Fault(FaultKind.RESET_AFTER))

    code, _, err = run("call", "send_text", PHONE, "message=a")

    assert code == 1
    assert err.endswith("; it may have been carried out, so do not repeat it blindly\n")


def test_an_unknown_read_does_not(run: Run, sandbox: Sandbox) -> None:
    sandbox.script(Fault(FaultKind.HTML, times=10))

    code, _, err = run("call", "list_labels")

    assert code == 1
    assert "blindly" not in err
