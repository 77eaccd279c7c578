"""The things the sandbox keeps: numbers, subscribers, templates, messages, catalogs, orders, uploads."""

from dataclasses import dataclass, field

from .contract import Body


@dataclass(slots=True)
class Number:
    """Keep a sending number (a WhatsApp account in the platform's words)."""

    phone_number_id: str
    bot_id: int
    business_account_id: str


@dataclass(slots=True)
class Subscriber:
    """Keep a person, once for each sending number."""

    id: int
    phone_number_id: str
    phone_number: str
    created: float
    first_name: str = ""
    last_name: str = ""
    email: str = "null"
    gender: str = ""
    label_ids: list[int] = field(default_factory=list)
    sequence_ids: list[int] = field(default_factory=list)
    custom_fields: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    agent_id: int | None = None
    input_flow: str | None = None
    last_inbound: float | None = None
    """When the person wrote last; it opens the 24-hour window."""
    last_message: float | None = None


@dataclass(slots=True)
class Template:
    """Keep a message template."""

    id: int
    meta_id: str
    name: str
    body: str
    variables: tuple[str, ...] = ()
    """Names of the body variables, in the order of their positions."""
    locale: str = "en_US"
    status: str = "Approved"
    category: str = "MARKETING"
    header: str = ""
    """Empty, or the medium of the header: image, video or document."""
    buttons: tuple[str, ...] = ()
    """Titles of the quick reply buttons."""
    kind: str = "single"
    """`single` or `carousel`."""
    map_needed: bool = False
    phone_number_ids: tuple[str, ...] = ()
    """The numbers that may use it; empty means all."""


@dataclass(slots=True)
class Message:
    """Keep one row of a conversation."""

    id: int
    sender: str
    """user, bot, agent or system; an open set."""
    content: Body | str
    """What goes into `message_content` as JSON text, or plain prose for a panel event."""
    time: float
    message_id: str | None = None
    template: Template | None = None
    values: tuple[str, ...] = ()


@dataclass(slots=True)
class Upload:
    """Keep what is known of an uploaded file; the bytes are counted, not kept."""

    media_id: str
    phone_number_id: str
    file_name: str
    content_type: str
    size: int
    sha256: str


@dataclass(slots=True)
class Catalog:
    """Keep a product catalogue."""

    id: str
    name: str
    url: str = "https://example.com/catalog"
    syncs: int = 0


@dataclass(slots=True)
class Order:
    """Keep an order of a catalogue."""

    id: str
    catalog_id: str
    phone_number: str
    first_name: str
    total: int
    ordered: float
    currency: str = "USD"
    status: str = "Submitted"
    changed: float | None = None
