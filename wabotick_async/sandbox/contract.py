"""The wire contract as the sandbox reads it: paths, wire names, required fields and sample answers.

It is read from the contract's own JSON, not from the client's request structs, so that a mistake in the client's
encoder shows up here as a refused request instead of being mirrored.
"""

import copy
import functools
import re
from collections.abc import Mapping
from importlib import resources

import msgspec

Body = dict[str, object]
"""A JSON object, as it goes into an answer."""

VARIABLE_KEY = re.compile(r"templateVariable-(?P<name>.*)-(?P<position>\d+)", re.DOTALL)
"""The key family of template variables; the greedy name splits on the LAST hyphen (contract, `send_template`)."""

SENDS = frozenset({"send_template", "send_text", "send_media", "trigger_bot_flow", "send_broadcast_template"})
"""The endpoints that put a message on somebody's phone: what the ledger records."""

# "Conditional" in the contract, but needed on the path that the contract chose (its note on `list_labels`).
_NEEDED = {("list_labels", "phone_number_id"), ("create_label", "phone_number_id")}


class Param(msgspec.Struct, frozen=True):
    """Describe one form field of an endpoint."""

    name: str
    type: str
    required: bool | str
    note: str = ""


class Shape(msgspec.Struct, frozen=True):
    """Describe one success answer seen on a sibling brand."""

    shape: Body
    where: str = ""


class EndpointContract(msgspec.Struct, frozen=True):
    """Describe one endpoint of the platform."""

    name: str
    path: str
    params: tuple[Param, ...]
    success_examples: tuple[Body, ...]
    other_success_shapes: tuple[Shape, ...]
    error_examples: tuple[Body, ...]
    safety: str = msgspec.field(name="class")

    @property
    def required(self) -> tuple[str, ...]:
        """Return the wire names that must be present and not empty, the token and files aside."""
        return tuple(
            param.name
            for param in self.params
            if (param.required is True or (self.name, param.name) in _NEEDED)
            and param.name != "apiToken"
            and param.type != "file"
        )

    @property
    def known(self) -> frozenset[str]:
        """Return every wire name of the endpoint, the template variable family aside."""
        return frozenset(param.name for param in self.params)

    @property
    def takes_file(self) -> bool:
        """Tell whether the endpoint is the multipart upload."""
        return any(param.type == "file" for param in self.params)

    def sample(self, index: int = 0) -> Body:
        """Return a private copy of a success sample of the vendor documentation."""
        return copy.deepcopy(self.success_examples[index])


@functools.cache
def contract() -> Mapping[str, EndpointContract]:
    """Return the endpoints of the contract by name."""
    text = resources.files(__name__.rpartition(".")[0]).joinpath("wire-contract.json").read_bytes()
    return {endpoint.name: endpoint for endpoint in msgspec.json.decode(text, type=list[EndpointContract])}


@functools.cache
def by_path() -> Mapping[str, EndpointContract]:
    """Return the endpoints of the contract by path."""
    return {endpoint.path: endpoint for endpoint in contract().values()}
