"""What a new sandbox holds, so that every endpoint has something to answer."""

import msgspec

from .contract import Body, contract
from .records import Catalog, Order, Template
from .state import State

GREETING = 101
"""Template id: approved, body variables `name` and `order-code`."""
PICTURE = 102
"""Template id: approved, image header, no variables."""
CHOICE = 103
"""Template id: approved, two quick reply buttons."""
PENDING = 104
"""Template id: not approved yet."""
REJECTED = 105
"""Template id: rejected."""
UNMAPPED = 106
"""Template id: approved, but its variables are not mapped."""
CAROUSEL = 107
"""Template id: approved, but a carousel."""
CATALOG = "762561142206860"
ORDER = "172310467380123456789"


def plant(state: State) -> None:
    """Fill a new state."""
    for template in _templates():
        state.templates[template.id] = template
    state.labels.update({1: "Lead", 2: "Active", 3: "One "})
    state.sequences.update({11: "Welcome", 12: "Follow up"})
    state.custom_fields.update({1: ("customer_name", "text"), 2: ("customer_email", "email"), 3: ("company", "text")})
    state.catalogs[CATALOG] = Catalog(CATALOG, "The White")
    state.orders[ORDER] = Order(ORDER, CATALOG, "0123456789", "John", 4300, state.clock())
    state.flows.append("5lvomLOuENXIe6D")
    state.postbacks.extend(_postbacks())


def _templates() -> list[Template]:
    return [
        Template(
            GREETING,
            "437509121867801",
            "greeting",
            "Hello {{1}}, your code is {{2}}.",
            variables=("name", "order-code"),
            category="UTILITY",
        ),
        Template(PICTURE, "437509121867802", "picture", "Look at this.", header="image"),
        Template(CHOICE, "437509121867803", "choice", "Shall we?", buttons=("Yes", "No")),
        Template(PENDING, "437509121867804", "pending", "Soon.", status="Pending"),
        Template(REJECTED, "437509121867805", "ada", "Never.", status="Rejected"),
        Template(UNMAPPED, "437509121867806", "unmapped", "Hello {{1}}.", variables=("name",), map_needed=True),
        Template(CAROUSEL, "437509121867807", "carousel", "Slides.", kind="carousel"),
    ]


def _postbacks() -> list[Body]:
    first = msgspec.convert(contract()["list_postbacks"].sample()["message"], list[Body])[0]
    return [first, {**first, "id": 672, "postback_id": "YES_START_CHAT_WITH_HUMAN", "bot_name": "Chat with human"}]
