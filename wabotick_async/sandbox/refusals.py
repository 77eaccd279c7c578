"""How the platform says no: texts with HTTP 200, field errors with 422."""

WINDOW_CLOSED = (
    "Sending message outside 24 hour window is not allowed. You can only send template message to this user."
)
LIMIT_REACHED = "Subscriber limit has been exceeded. You cannot have more subscribers."
NO_ACCOUNT = "WhatsApp account not found."
NO_TEMPLATE = "Message template not found."
ALREADY_THERE = "Something went wrong or subscriber already exist."
NO_SUBSCRIBER = "Subscriber not found"
UNDELIVERABLE = "Message undeliverable. (Error Code : 131026)"
NUMBER_LIMIT = "(#130429) Rate limit hit: too many messages from this number in a short time."
PAIR_LIMIT = "(#131056) Too many messages sent from this number to the same recipient."
NOT_TODAY = "This message was not delivered to maintain healthy ecosystem engagement. (Error Code : 131049)"
DAY_LIMIT = "This number has reached as many people in 24 hours as it may. (Error Code : 131049)"
BAD_NUMBER = "Parameter value is not valid: recipient phone number. (Error Code : 131009)"
BAD_MEDIA = "(#100) Invalid parameter: unknown media id."
BAD_TEXT = "(#100) Param text cannot have new-line/tab characters or more than 4 consecutive spaces."
META_SAYS_NO = (
    "Unsupported get request. Object does not exist, cannot be loaded due to missing permissions. "
    "Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
)


class RefusalError(Exception):
    """Stop a call with a text and HTTP 200.

    Attributes:
        text: what goes into `message`.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class FieldsError(Exception):
    """Stop a call with HTTP 422.

    Attributes:
        fields: wire name -> sentences.
    """

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("; ".join(fields))
        self.fields = fields

    @classmethod
    def of(cls, field: str, problem: str) -> "FieldsError":
        """Return the error of one field; `problem` follows "The <field> "."""
        return cls({field: [f"The {field.replace('_', ' ')} {problem}"]})

    @property
    def text(self) -> str:
        """Return the summary that Laravel puts into `message`."""
        first = next(iter(self.fields.values()))[0]
        more = len(self.fields) - 1
        return first if not more else f"{first} (and {more} more error{'s' if more > 1 else ''})"
