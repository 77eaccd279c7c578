"""Each point of the security design, and the tests that show it: `file::test`, below the folder of all tests."""

from __future__ import annotations

from typing import Final

SECURITY_ROWS: Final[dict[str, tuple[str, ...]]] = {
    "a redirect is never followed, and its body is no answer": (
        "transport/test_pool.py::test_a_redirect_is_not_followed",
        "security/test_http.py::test_no_redirect_brings_the_token_or_the_answer_to_another_host",
    ),
    "the size of an answer is capped": (
        "security/test_http.py::test_an_endless_answer_is_cut_off",
        "transport/test_pool_faults.py::test_an_answer_that_is_too_long_is_cut_off",
    ),
    "a compressed bomb takes little memory": (
        "transport/test_pool.py::test_a_gzip_bomb_does_not_explode",
        "security/test_http.py::test_a_bomb_takes_little_memory",
        "security/test_http.py::test_a_bomb_in_a_bomb_is_unpacked_once",
    ),
    "cookies are not kept": (
        "transport/test_pool.py::test_cookies_are_not_kept",
        "security/test_source.py::test_the_session_trusts_neither_cookies_nor_the_environment",
    ),
    "the environment's proxy is not used, a named one is": (
        "transport/test_pool.py::test_the_environments_proxy_is_ignored",
        "transport/test_pool.py::test_a_proxy_that_is_named_is_used",
    ),
    "a proxy's password is in no error": (
        "security/test_http.py::test_a_login_of_a_proxy_is_in_no_error",
        "test_redaction.py::test_a_login_in_an_address_is_blanked",
    ),
    "http:// is for this machine only": (
        "test_values.py::test_another_base_url_is_refused",
        "test_client.py::test_a_wrong_setting_is_told_before_anything_is_sent",
    ),
    "certificates are checked, and nothing switches that off": (
        "transport/test_pool.py::test_trust_cannot_be_switched_off",
        "transport/test_pool_faults.py::test_a_certificate_is_bad",
        "security/test_source.py::test_nothing_public_takes_a_switch_for_certificates",
        "security/test_source.py::test_certificates_are_checked_by_default",
        "security/test_source.py::test_the_express_lane_checks_certificates",
    ),
    "the token is in no address and no header": (
        "security/test_http.py::test_the_token_travels_in_the_body_alone",
        "wire/test_encode.py::test_the_token_is_in_no_path_and_no_repr",
    ),
    "the token is in no traceback with local variables": (
        "security/test_tracebacks.py::test_a_constructor_that_fails",
        "security/test_tracebacks.py::test_an_environment_that_is_wrong",
        "security/test_tracebacks.py::test_a_send_that_fails_although_the_server_quotes_the_request",
        "security/test_tracebacks.py::test_a_send_over_http_that_fails",
        "security/test_tracebacks.py::test_a_send_that_is_cancelled",
        "security/test_tracebacks.py::test_a_campaign_that_fails",
        "transport/test_pool.py::test_a_traceback_with_locals_does_not_show_the_token",
    ),
    "a secret shows itself in no str, repr, format, JSON or pickle": (
        "test_values.py::test_a_secret_does_not_show_itself",
        "test_values.py::test_a_secret_is_not_pickled_nor_copied",
        "test_values.py::test_a_secret_is_not_written_as_json",
        "security/test_source.py::test_a_secret_is_no_text_and_no_subclass_of_one",
        "test_client.py::test_the_token_is_nowhere",
    ),
    "nothing is injected into headers": (
        "security/test_http.py::test_no_header_can_be_injected_by_a_token",
        "security/test_http.py::test_a_text_cannot_leave_the_body",
        "security/test_http.py::test_the_name_of_a_file_cannot_leave_its_header",
    ),
    "a path means what it says": (
        "security/test_http.py::test_a_path_that_means_another_one_is_refused",
        "security/test_http.py::test_no_part_of_a_path_comes_from_a_value",
    ),
    "strange JSON is no success and no crash": (
        "security/test_http.py::test_a_strange_answer_is_no_success_and_no_crash",
        "security/test_http.py::test_one_byte_order_mark_is_no_obstacle",
        "wire/test_envelope.py::test_no_depth_breaks_anything_but_the_answer",
        "wire/test_properties.py::test_any_bytes",
    ),
    "no text takes long to clean": ("test_redaction.py::test_a_long_text_takes_no_long_time",),
    "no text of the server forges a log line or commands a terminal": (
        "security/test_terminal.py::test_an_error_is_one_line_wherever_it_is_written",
        "security/test_terminal.py::test_call_shows_a_refusal_as_one_line",
        "security/test_terminal.py::test_call_shows_an_answer_without_commands",
        "security/test_terminal.py::test_status_shows_notes_without_commands",
        "cli/test_templates.py::test_a_name_cannot_command_the_terminal",
    ),
    "credentials in requests and answers are stripped by name and by form": (
        "test_redaction.py::test_secrets_are_stripped_by_name_and_by_form_at_any_depth",
        "wire/test_convert.py::test_json_inside_a_string",
        "endpoints/test_requests.py::test_a_repr_hides_secrets_inside_json",
    ),
    "a link to media is checked, and fetched by the server alone": (
        "endpoints/test_fields.py::test_another_link_is_refused",
    ),
    "no cell of an export is a formula": (
        "security/test_exports.py::test_no_cell_begins_a_formula",
        "cli/test_status.py::test_a_csv_file_holds_whole_numbers",
    ),
    "nothing is unpickled or evaluated": ("security/test_source.py::test_a_module_does_nothing_of_that",),
    "a journal is private, and a strange one is refused": (
        "bulk/journal/test_files.py::test_files_are_private",
        "bulk/journal/test_files.py::test_symbolic_link",
        "bulk/journal/test_files.py::test_file_of_another_user",
        "bulk/journal/test_files.py::test_file_that_others_may_write",
    ),
    "no token in journal, reports, output and logs of a campaign": (
        "security/test_campaign.py::test_a_campaign_leaves_no_token_and_no_number",
        "cli/test_broadcast.py::test_the_plan_never_holds_the_token",
    ),
    "no token in whatever any test leaves behind": ("security/test_scan_plugin.py::test_every_leak_fails_its_test",),
    "logs hold no whole phone number": (
        "security/test_campaign.py::test_logs_of_a_pause_and_of_an_observer_hold_no_number",
        "security/test_campaign.py::test_a_campaign_leaves_no_token_and_no_number",
        "test_redaction.py::test_phone_numbers_are_shortened",
    ),
    "the token comes from the environment or a file, never from an argument": (
        "cli/test_bad_input.py::test_a_token_file_replaces_the_variable",
        "cli/test_call.py::test_a_secret_comes_from_standard_input",
        "security/test_source.py::test_no_option_of_a_command_is_a_token",
    ),
}
