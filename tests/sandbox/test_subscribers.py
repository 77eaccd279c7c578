"""Subscribers and what is pinned to them."""

import pytest

from tests.sandbox.door import PHONE, Door

ON_SUBSCRIBER = [
    "update_subscriber",
    "add_note",
    "assign_chat",
    "reset_user_input_flow",
    "assign_custom_fields",
    "assign_labels",
    "remove_labels",
    "assign_sequences",
    "remove_sequences",
]


@pytest.mark.parametrize("endpoint", ON_SUBSCRIBER)
async def test_a_change_to_nobody_is_refused(door: Door, endpoint: str) -> None:
    got = await door.post(endpoint, phone_number="910000000000")
    assert (got.body["status"] in ("0", 0), got.message) == (True, "Subscriber not found")


async def test_create_answers_under_a_misspelt_key_and_once(vendor: Door) -> None:
    first, again = await vendor.post("create_subscriber"), await vendor.post("create_subscriber")
    assert (list(first.body), again.message) == (
        ["status", "mesasge"],
        "Something went wrong or subscriber already exist.",
    )


async def test_create_refuses_a_number_with_a_plus(vendor: Door) -> None:
    assert (await vendor.post("create_subscriber", phoneNumber="+919000000001")).body["status"] == "0"


async def test_a_person_exists_once_for_each_number(vendor: Door) -> None:
    assert (await vendor.post("create_subscriber", phoneNumber=PHONE)).body["status"] == "0"
    other = await vendor.post("create_subscriber", phoneNumber=PHONE, phoneNumberID="100000000000002")
    assert other.body["status"] == "1"


async def test_what_was_written_is_read_back(vendor: Door) -> None:
    for endpoint in ("update_subscriber", "assign_custom_fields", "remove_labels"):
        await vendor.post(endpoint)
    data = (await vendor.post("get_subscriber")).body["data"]
    assert (data["first_name"], data["labels"], data["custom_fields"]) == ("Asha", ["Active"], {"company": "X"})


async def test_a_field_left_out_of_an_update_stays(vendor: Door) -> None:
    await vendor.post("update_subscriber")
    await vendor.post("update_subscriber", "label_ids", "first_name", gender="male")
    data = (await vendor.post("get_subscriber")).body["data"]
    assert (data["first_name"], data["gender"], data["labels"]) == ("Asha", "male", ["Lead", "Active"])


async def test_empty_custom_fields_are_a_list_as_php_has_it(vendor: Door) -> None:
    assert (await vendor.post("get_subscriber")).body["data"]["custom_fields"] == []


async def test_the_siblings_answer_with_a_row_and_comma_text(sibling: Door) -> None:
    await sibling.post("assign_labels")
    await sibling.post("assign_custom_fields")
    body = (await sibling.post("get_subscriber")).body
    assert (list(body), body["message"][0]["custom_fields"]) == (["status", "message"], "company:X")
    assert (body["message"][0]["label_names"], body["message"][0]["chat_id"]) == ("Lead,Active", PHONE)


async def test_nobody_is_a_refusal_for_the_vendor_and_a_text_for_the_siblings(vendor: Door, sibling: Door) -> None:
    bodies = [(await door.post("get_subscriber", phone_number="910")).body for door in (vendor, sibling)]
    assert [body["status"] for body in bodies] == ["0", "1"]


async def test_deleting_takes_the_history_along(door: Door) -> None:
    await door.post("delete_subscriber")
    again = await door.post("delete_subscriber")
    assert (again.message, (await door.post("get_conversation")).message) == ("Subscriber not found", [])


async def test_labels_are_removed_in_the_words_of_the_assignment(vendor: Door) -> None:
    await vendor.post("assign_labels")
    assert (await vendor.post("remove_labels")).message == "Labels have been assigned successfully."
    assert vendor.sandbox.add_subscriber(PHONE).label_ids == [2]


async def test_a_blank_in_an_id_list_is_noted(vendor: Door) -> None:
    await vendor.post("assign_labels", label_ids="1, 2")
    assert vendor.sandbox.add_subscriber(PHONE).label_ids == [1, 2]
    assert "assign_labels: label_ids is not comma text without blanks" in vendor.sandbox.oddities


async def test_a_new_label_is_listed(door: Door) -> None:
    await door.post("create_label")
    assert [row["label_name"] for row in (await door.post("list_labels")).message][-1] == "VIP"


async def test_sequences_come_and_go(vendor: Door) -> None:
    await vendor.post("assign_sequences")
    subscriber = vendor.sandbox.add_subscriber(PHONE)
    assert subscriber.sequence_ids == [11]
    await vendor.post("remove_sequences")
    assert subscriber.sequence_ids == []


async def test_a_note_repeated_is_there_twice(vendor: Door) -> None:
    await vendor.post("add_note")
    await vendor.post("add_note")
    assert vendor.sandbox.add_subscriber(PHONE).notes == ["Call back", "Call back"]


@pytest.mark.parametrize("text", ["no json", "[1]"])
async def test_custom_fields_must_be_a_json_object(vendor: Door, text: str) -> None:
    assert set((await vendor.post("assign_custom_fields", custom_fields=text)).body["errors"]) == {"custom_fields"}


async def test_an_added_custom_field_is_listed_and_stored(vendor: Door) -> None:
    vendor.sandbox.add_custom_field("नाम")
    await vendor.post("assign_custom_fields", custom_fields='{"नाम":"आशा"}')
    assert (await vendor.post("list_custom_fields")).body["data"][-1]["name"] == "नाम"
    assert (await vendor.post("get_subscriber")).body["data"]["custom_fields"] == {"नाम": "आशा"}


async def test_a_team_member_is_a_number(vendor: Door) -> None:
    assert (await vendor.post("assign_chat", team_member_id="me@example.com")).status == 422


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("", PHONE),
        ("0", PHONE),
        ("id DESC", "919000000003"),
        ("first_name ASC", "919000000003"),
        ("created_at ASC", PHONE),
        ("1", "919000000002"),
        ("nonsense", PHONE),
    ],
)
async def test_subscribers_are_sorted(vendor: Door, order: str, first: str) -> None:
    vendor.sandbox.add_subscriber(PHONE).first_name = "Z"
    vendor.sandbox.add_subscriber("919000000002", "M N")
    vendor.sandbox.add_subscriber("919000000003", "A B")
    vendor.sandbox.state.subscribers["100000000000001", "919000000002"].last_message = 1e12
    assert (await vendor.post("list_subscribers", orderBy=order)).message[0]["chat_id"] == first


async def test_the_siblings_name_the_next_page(sibling: Door) -> None:
    sibling.sandbox.add_subscriber("919000000002")
    first = (await sibling.post("list_subscribers", limit="1")).body
    last = (await sibling.post("list_subscribers", limit="1", offset="2")).body
    assert (first["nextOffset"], "nextOffset" in last) == (2, False)


async def test_a_bad_meta_token_is_refused_as_meta_would(vendor: Door) -> None:
    got = await vendor.post("connect_account", access_token="EAAINVALID1")
    assert "does not exist" in got.message
    assert "graph-api" in got.message


async def test_connecting_twice_changes_nothing_and_keeps_no_token(vendor: Door) -> None:
    await vendor.post("connect_account")
    await vendor.post("connect_account")
    assert vendor.sandbox.state.connected == ["555"]
