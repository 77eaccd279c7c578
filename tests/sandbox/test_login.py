"""Tokens, unknown paths, wrong methods."""

import pytest

from tests.sandbox.door import JSON, PATHS, Door


async def test_a_missing_token_is_401_for_a_json_client(vendor: Door) -> None:
    got = await vendor.form("list_labels", {})
    assert (got.status, got.body) == (401, {"message": "Unauthenticated."})


async def test_a_bad_token_is_401_with_a_status(vendor: Door) -> None:
    got = await vendor.form("list_labels", {"apiToken": "2|wrong"})
    assert (got.status, got.body) == (401, {"status": "0", "message": "Unauthenticated."})


@pytest.mark.parametrize("form", [{}, {"apiToken": "2|wrong"}])
async def test_a_browser_is_sent_to_the_login_page(vendor: Door, form: dict[str, str]) -> None:
    got = await vendor.form("list_labels", form, headers={})
    assert (got.status, got.headers["Location"]) == (302, "/login")


async def test_a_browser_is_sent_back_instead_of_a_422(vendor: Door) -> None:
    got = await vendor.form("list_labels", {"apiToken": vendor.sandbox.token}, headers={})
    assert (got.status, got.headers["Location"]) == (302, "/")


async def test_the_login_page_answers_200(vendor: Door) -> None:
    async with vendor.session.get(f"{vendor.sandbox.base_url}/login") as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")


async def test_an_unknown_path_is_an_html_404(vendor: Door) -> None:
    async with vendor.session.post(f"{vendor.sandbox.base_url}/api/v1/nowhere", headers=JSON) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")


async def test_get_on_an_endpoint_is_405(vendor: Door) -> None:
    async with vendor.session.get(f"{vendor.sandbox.base_url}/api/v1{PATHS['send_text']}") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_token_in_the_query_does_not_count(vendor: Door) -> None:
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['list_catalogs']}"
    async with vendor.session.post(url, params={"apiToken": vendor.sandbox.token}, headers=JSON) as answer:
        assert answer.status == 401
    assert any("query string" in oddity for oddity in vendor.sandbox.oddities)


async def test_json_in_place_of_a_form_has_no_token(vendor: Door) -> None:
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['list_catalogs']}"
    async with vendor.session.post(url, json={"apiToken": vendor.sandbox.token}, headers=JSON) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("body", [b"apiToken=%FF", "apiToken=é".encode(), b"no equals sign"])
async def test_a_body_that_is_no_form_has_no_token(vendor: Door, body: bytes) -> None:
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['list_catalogs']}"
    headers = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}
    async with vendor.session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 401
    assert "list_catalogs: the form is not urlencoded UTF-8" in vendor.sandbox.oddities


async def test_every_request_is_counted_with_its_status(vendor: Door) -> None:
    await vendor.post("list_labels")
    await vendor.form("list_labels", {})
    assert (len(vendor.sandbox.requests), vendor.sandbox.requests.statuses()) == (2, {200: 1, 401: 1})
