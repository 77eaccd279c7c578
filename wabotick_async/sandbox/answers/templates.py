"""The template list."""

import json
from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..delivery import stamp
from ..dialect import is_sibling, listed
from ..records import Template

META_TOKEN = "EAASandboxMetaTokenThatIsNotReal0000"  # noqa: S105  # made up
"""What leaks through `template_json`, as it does on the platform: a client must strip it."""


def list_templates(call: Call) -> Body:
    """Return the templates of a number: one bare object when there is just one (vendor sample)."""
    number_id = call.number.phone_number_id
    templates = [
        _row(call, template)
        for template in call.state.templates.values()
        if not template.phone_number_ids or number_id in template.phone_number_ids
    ]
    if len(templates) == 1 and not is_sibling(call):
        return {**listed(call, templates), "message": templates[0]}
    return listed(call, templates)


def _row(call: Call, template: Template) -> Body:
    places = {str(index): f"#{name}#" for index, name in enumerate(template.variables, 1)}
    # PHP prints an empty map as a list.
    variable_map: Body = {"header": [], "body": places or [], "button": []}
    row: Body = {
        "id": template.id,
        "template_id": template.meta_id,
        "whatsapp_business_id": call.number.bot_id,
        "template_name": template.name,
        "template_type": template.kind,
        "locale": template.locale,
        "header_type": "media" if template.header else "text",
        "header_subtype": template.header,
        "header_content": "",
        "body_content": template.body,
        "footer_content": "",
        "button_content": json.dumps([{"type": "QUICK_REPLY", "text": title} for title in template.buttons]),
        "template_json": json.dumps(
            {
                "name": template.name,
                "language": template.locale,
                "category": template.category,
                "components": [{"type": "body", "text": template.body}],
                "access_token": META_TOKEN,
            }
        ),
        "button_type": "quick_reply" if template.buttons else "none",
        "variable_map": json.dumps(variable_map),
        "updated_at": stamp(call.state.clock()),
        "user_id": 1,
        "status": template.status,
        "system_template": "0",
        "map_needed": "1" if template.map_needed else "0",
        "check_wp_type": "general",
    }
    if is_sibling(call):
        row["template_category"] = template.category.title()
        if call.turn % 2:
            # Some builds decode the map for us.
            row["variable_map"] = variable_map
    return row


ANSWERS: Mapping[str, Callable[[Call], Body]] = {"list_templates": list_templates}
