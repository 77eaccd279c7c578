"""The registry against the contract, both ways, and endpoints that a user declares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, Final

import pytest
from msgspec import UNSET, UnsetType, field

from tests.contract.fixture_files import read_contract
from wabotick_async import (
    Acknowledgement,
    ConfigurationError,
    Endpoint,
    EndpointRegistry,
    Label,
    NumberRequest,
    Page,
    Request,
    RequestInvalidError,
    Rows,
    Safety,
    SubscriberRequest,
    UploadMedia,
    WabotickClient,
    registry,
)
from wabotick_async.endpoints import Encoding
from wabotick_async.endpoints.fields import PhoneNumber
from wabotick_async.resources import Resource
from wabotick_async.wire import form_fields

CONTRACT: Final = {endpoint["name"]: endpoint for endpoint in read_contract()}
FAMILY: Final = "templateVariable-<name>-<position>"
CLIENT: Final = WabotickClient("1|abc")


def declared_fields(endpoint: Endpoint) -> dict[str, bool]:
    """Return the wire names of an endpoint, and whether each is required."""
    wire = [one for one in endpoint.fields if not one.encoding.local]
    return {one.encoding.family or one.wire_name: one.required for one in wire}


@pytest.mark.parametrize("name", CONTRACT)
def test_an_endpoint_of_the_contract(name: str) -> None:
    endpoint, wanted = registry[name], CONTRACT[name]

    assert endpoint.name == name
    assert endpoint.request_type.__name__ == wanted["request_struct"]
    assert (endpoint.path, endpoint.safety.name) == (wanted["path"], wanted["class"])
    assert list(endpoint.alternative_paths) == [path.split(" ")[0] for path in wanted["alternative_paths"]]


@pytest.mark.parametrize("name", CONTRACT)
def test_the_fields_of_an_endpoint(name: str) -> None:
    declared = declared_fields(registry[name])
    wanted = {one["name"]: one["required"] for one in CONTRACT[name]["params"] if one["name"] != "apiToken"}

    assert declared.keys() == wanted.keys()
    # "conditional" may be either: a rule of the struct's own, or the path that the contract chose, decides.
    assert {key: declared[key] for key in wanted if wanted[key] != "conditional"} == {
        key: required for key, required in wanted.items() if required != "conditional"
    }


@pytest.mark.parametrize("name", CONTRACT)
def test_the_method_of_an_endpoint(name: str) -> None:
    group, method = CONTRACT[name]["method_name"].split(".")
    found = getattr(getattr(CLIENT, group), method)

    assert inspect.iscoroutinefunction(found)
    assert found.__name__ == name
    assert found.__doc__ == registry[name].request_type.__doc__


def test_no_endpoint_that_the_contract_does_not_know() -> None:
    own = {name for name, one in registry.items() if one.request_type.__module__.startswith("wabotick_async.")}

    assert own == CONTRACT.keys()
    assert len(own) == 31


def test_no_method_that_the_contract_does_not_know() -> None:
    groups = {name: value for name, value in vars(CLIENT).items() if isinstance(value, Resource)}
    found = {
        f"{group}.{name}"
        for group, resource in groups.items()
        for name, _ in inspect.getmembers(resource, inspect.iscoroutinefunction)
    }

    assert found == {one["method_name"] for one in CONTRACT.values()}


@pytest.mark.parametrize(
    ("name", "repeatable"), [("list_labels", True), ("create_subscriber", True), ("send_text", False)]
)
def test_what_may_be_repeated(name: str, repeatable: bool) -> None:
    assert registry[name].repeatable is repeatable


def test_one_endpoint_holds_a_file_and_one_a_secret_and_one_goes_to_the_team() -> None:
    assert [name for name in CONTRACT if registry[name].holds_file] == ["upload_media"]
    assert [name for name in CONTRACT if registry[name].holds_secret] == ["connect_account"]
    assert [name for name in CONTRACT if registry[name].team_host] == ["assign_chat"]


def test_an_answer_type_stands_in_the_brackets() -> None:
    assert registry["list_labels"].answer_type == Rows[Label]
    assert registry["create_label"].answer_type is Acknowledgement


def test_the_notes_beside_a_file_do_not_travel() -> None:
    assert form_fields(UploadMedia(file=b"x", file_name="a.jpg"), "1") == {"phone_number_id": "1"}


@pytest.fixture
def own() -> Iterator[EndpointRegistry]:
    """Give an empty registry, so that the package's stays clean."""
    before = dict(registry)
    yield EndpointRegistry()
    assert dict(registry) == before


def test_a_user_declares_an_endpoint(own: EndpointRegistry) -> None:
    @own.endpoint("mark", "/whatsapp/mark", Safety.IDEMPOTENT, alternative_paths=("/mark",), team_host=True)
    class Mark(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
        """Mark a conversation."""

        read: bool = field(name="isRead", default=True)
        note: str | UnsetType = UNSET
        code: Annotated[str, Encoding(clean=str.upper, write=lambda text: f"<{text}>")] = "a"

    request = Mark(phone_number="+91 9800000001", code="b")
    assert Mark.endpoint is own["mark"]
    assert (request.endpoint.path, request.endpoint.alternative_paths) == ("/api/v1/whatsapp/mark", ("/api/v1/mark",))
    assert form_fields(request, "109") == {
        "phone_number_id": "109",
        "phone_number": "919800000001",
        "isRead": "1",
        "code": "<B>",
    }
    assert (len(own), list(own), repr(own)) == (1, ["mark"], "EndpointRegistry(1 endpoints)")


def test_a_user_s_optional_field_may_be_none(own: EndpointRegistry) -> None:
    @own.endpoint("info", "/info", Safety.SAFE)
    class Info(Request[Page[Label]], frozen=True, kw_only=True):
        number: PhoneNumber | None
        other: PhoneNumber | None = None

    assert Info(number=None, other="+919800000001").other == "919800000001"
    assert form_fields(Info(number=None)) == {}


def test_a_user_s_own_check(own: EndpointRegistry) -> None:
    @own.endpoint("info", "/info", Safety.SAFE)
    class Info(Request[Acknowledgement], frozen=True, kw_only=True):
        low: int
        high: int

        def check(self) -> None:
            if self.low > self.high:
                raise RequestInvalidError("expected low below high", field="low")

    with pytest.raises(RequestInvalidError, match="low: expected low below high"):
        Info(low=2, high=1)


def test_an_answer_type_may_come_from_a_base_of_the_user_s_own(own: EndpointRegistry) -> None:
    class Base(NumberRequest[Rows[Label]], frozen=True, kw_only=True):
        """A base."""

    @own.endpoint("info", "/info", Safety.SAFE)
    class Info(Base, frozen=True, kw_only=True):
        """An endpoint."""

    assert Info.endpoint.answer_type == Rows[Label]


def test_a_name_is_taken_once(own: EndpointRegistry) -> None:
    class Info(Request[Acknowledgement], frozen=True, kw_only=True):
        """An endpoint."""

    own.endpoint("info", "/info", Safety.SAFE)(Info)
    with pytest.raises(ConfigurationError, match="'info' is declared already"):
        own.endpoint("info", "/other", Safety.SAFE)(Info)


@pytest.mark.parametrize("paths", [("info",), ("/info", "other"), ("https://a.test/info",)])
def test_a_path_begins_with_a_slash(own: EndpointRegistry, paths: tuple[str, ...]) -> None:
    class Info(Request[Acknowledgement], frozen=True, kw_only=True):
        """An endpoint."""

    with pytest.raises(ConfigurationError, match="begins with '/'"):
        own.endpoint("info", paths[0], Safety.SAFE, alternative_paths=paths[1:])(Info)
    assert len(own) == 0


def test_an_answer_type_is_needed(own: EndpointRegistry) -> None:
    class Info(Request, frozen=True, kw_only=True):  # type: ignore[type-arg]  # the point of the test
        """An endpoint."""

    with pytest.raises(TypeError, match="name the answer's type"):
        own.endpoint("info", "/info", Safety.SAFE)(Info)


def test_an_unknown_safety_class_is_refused(own: EndpointRegistry) -> None:
    wrong: Any = "harmless"

    class Info(Request[Acknowledgement], frozen=True, kw_only=True):
        """An endpoint."""

    with pytest.raises(ValueError, match="harmless"):
        own.endpoint("info", "/info", wrong)(Info)
    assert len(own) == 0
