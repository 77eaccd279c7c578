"""Templates, text, the 24-hour window, special numbers."""

import json

import pytest

from tests.sandbox.conftest import Clock, Opened
from tests.sandbox.door import PERSON, PHONE, Door

WINDOW = "Sending message outside 24 hour window is not allowed. You can only send template message to this user."
LIMIT = "Subscriber limit has been exceeded. You cannot have more subscribers."


async def test_every_message_id_is_new_and_ends_in_two_equals_signs(vendor: Door) -> None:
    ids = [(await vendor.post("send_template")).body["data"]["message_id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(message_id.startswith("wamid.") and message_id.endswith("==") for message_id in ids)


@pytest.mark.parametrize("template_id", ["437509121867801", "greeting", "9"])
async def test_another_form_of_template_id_is_not_found(door: Door, template_id: str) -> None:
    assert (await door.post("send_template", template_id=template_id)).message == "Message template not found."


@pytest.mark.parametrize("template_id", ["104", "105"])
async def test_an_unapproved_template_is_refused(vendor: Door, template_id: str) -> None:
    assert "does not exist in en_US" in (await vendor.post("send_template", template_id=template_id)).message


@pytest.mark.parametrize("template_id", ["106", "107"])
async def test_an_unmapped_template_and_a_carousel_are_refused(vendor: Door, template_id: str) -> None:
    assert "(#132000)" in (await vendor.post("send_template", template_id=template_id)).message


async def test_a_template_of_another_number_is_not_found(vendor: Door) -> None:
    template = vendor.sandbox.add_template("private")
    template.phone_number_ids = ("100000000000002",)
    assert (await vendor.post("send_template", template_id=str(template.id))).message == "Message template not found."


async def test_a_missing_variable_arrives_as_a_dash(vendor: Door) -> None:
    await vendor.post("send_template", "templateVariable-name-1")
    row = (await vendor.post("get_conversation")).message[0]
    parameters = json.loads(row["message_content"])["template"]["components"][0]["parameters"]
    assert [parameter["text"] for parameter in parameters] == ["-", "A 7"]


async def test_an_empty_variable_arrives_as_a_dash_too(vendor: Door) -> None:
    await vendor.post("send_template", **{"templateVariable-name-1": ""})
    content = json.loads((await vendor.post("get_conversation")).message[0]["message_content"])
    assert content["template"]["components"][0]["parameters"][0]["text"] == "-"


async def test_the_siblings_store_the_filled_in_definition(sibling: Door) -> None:
    await sibling.post("send_template", "templateVariable-order-code-2")
    content = json.loads((await sibling.post("get_conversation")).message[0]["message_content"])
    assert content["components"] == [{"type": "BODY", "text": "Hello Asha, your code is -."}]
    assert "type" not in content


@pytest.mark.parametrize("key", ["templateVariable-name-9", "templateVariable-name", "templateVariable-nome-1"])
async def test_a_variable_out_of_place_is_noted(vendor: Door, key: str) -> None:
    await vendor.post("send_template", "templateVariable-name-1", **{key: "x"})
    assert len(vendor.sandbox.oddities) == 1


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "a     b"])
async def test_a_value_that_meta_refuses_is_refused(vendor: Door, value: str) -> None:
    assert "(#100)" in (await vendor.post("send_template", **{"templateVariable-name-1": value})).message


async def test_a_template_with_a_media_header_needs_its_link(vendor: Door) -> None:
    without = await vendor.post("send_template", template_id="102")
    with_link = await vendor.post(
        "send_template", template_id="102", template_header_media_url="https://example.com/a.png"
    )
    assert ("(#132012)" in without.message, with_link.body["status"]) == (True, "success")


async def test_a_header_link_must_be_a_url(vendor: Door) -> None:
    assert (await vendor.post("send_template", template_header_media_url="a.png")).status == 422


@pytest.mark.parametrize(
    ("values", "status", "said"), [('["A","B"]', 200, "success"), ('["A"]', 200, "0"), ("A,B", 422, None)]
)
async def test_quick_replies_are_a_json_array_as_long_as_the_buttons(
    vendor: Door, values: str, status: int, said: str | None
) -> None:
    got = await vendor.post("send_template", template_id="103", template_quick_reply_button_values=values)
    assert (got.status, got.body.get("status")) == (status, said)


async def test_quick_replies_with_a_blank_and_a_link_without_header_are_noted(vendor: Door) -> None:
    await vendor.post("send_template", template_id="103", template_quick_reply_button_values='["A", "B"]')
    await vendor.post("send_template", template_header_media_url="https://example.com/a.png")
    assert len([oddity for oddity in vendor.sandbox.oddities if "compact" in oddity or "header" in oddity]) == 2


async def test_a_template_makes_its_recipient_a_subscriber(vendor: Door) -> None:
    await vendor.post("send_template", phone_number="919000000077")
    assert (await vendor.post("get_subscriber", phone_number="919000000077")).body["data"]["subscriber_id"]


async def test_text_to_somebody_who_never_wrote_is_refused(door: Door) -> None:
    assert (await door.post("send_text", phone_number="919000000077")).message == WINDOW


async def test_the_window_closes_after_24_hours(vendor: Door, clock: Clock) -> None:
    clock.now += 24 * 3600 - 1
    inside = await vendor.post("send_text")
    clock.now += 1
    assert (inside.body["status"], (await vendor.post("send_text")).message) == ("1", WINDOW)


async def test_auto_window_holds_it_open_for_everybody(opened: Opened) -> None:
    async with opened(auto_window=True) as door:
        assert (await door.post("send_text", phone_number="919000000077")).body["status"] == "1"


async def test_the_plan_limit_refuses_new_recipients_only(opened: Opened) -> None:
    async with opened(subscriber_limit=1) as door:
        first = await door.post("send_template")
        assert (first.body["status"], (await door.post("send_template")).body["status"]) == ("success", "success")
        assert (await door.post("send_template", phone_number="919000000077")).message == LIMIT
        assert (await door.post("create_subscriber")).message == LIMIT


@pytest.mark.parametrize("phone_number", ["+919000000000", "12", "91 9000", "9" * 16, "abc"])
async def test_a_number_in_a_bad_form_is_refused(vendor: Door, phone_number: str) -> None:
    assert "131009" in (await vendor.post("send_template", phone_number=phone_number)).message


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("990002", "(Error Code : 131026)"),
        ("990007", LIMIT),
        ("990008", "(#131056)"),
        ("990009", "(Error Code : 131049)"),
    ],
)
async def test_special_numbers_are_refused(door: Door, ending: str, said: str) -> None:
    assert said in (await door.post("send_template", phone_number=f"919000{ending}")).message


async def test_a_special_number_has_its_window_closed(opened: Opened) -> None:
    async with opened(auto_window=True) as door:
        assert (await door.post("send_text", phone_number="919000990006")).message == WINDOW


async def test_a_special_number_gets_no_message_id(door: Door) -> None:
    body = (await door.post("send_template", phone_number="919000990003")).body
    assert (body["status"], "data" in body, "wa_message_id" in body) == ("1", False, False)


async def test_text_of_more_than_4096_characters_is_refused(vendor: Door) -> None:
    assert "4096" in (await vendor.post("send_text", message="x" * 4097)).message


async def test_an_unknown_flow_is_answered_with_success(vendor: Door) -> None:
    assert (await vendor.post("trigger_bot_flow", bot_flow_unique_id="nope")).body["status"] == "1"


async def test_a_known_flow_writes_into_the_conversation_and_can_be_reset(vendor: Door) -> None:
    await vendor.post("trigger_bot_flow")
    subscriber = vendor.sandbox.add_subscriber(PHONE)
    assert subscriber.input_flow == "5lvomLOuENXIe6D"
    await vendor.post("reset_user_input_flow")
    assert subscriber.input_flow is None


@pytest.mark.parametrize("flow_data", ["no json", "[]"])
async def test_a_broadcast_needs_a_json_object(vendor: Door, flow_data: str) -> None:
    assert (await vendor.post("send_broadcast_template", flow_data=flow_data)).status == 422


async def test_the_siblings_answer_a_template_with_wa_message_id(sibling: Door) -> None:
    bodies = [(await sibling.post("send_template")).body for _ in range(2)]
    assert [(body["status"], body["wa_message_id"][-2:]) for body in bodies] == [("1", "=="), (1, "==")]


async def test_a_business_scoped_id_is_a_recipient(vendor: Door) -> None:
    form = {"apiToken": vendor.sandbox.token, **PERSON, "phone_number": "IN.abc123", "template_id": "101"}
    assert (await vendor.form("send_template", form)).body["status"] == "success"
