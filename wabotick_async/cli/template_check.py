"""Compare a template campaign with the account's templates, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..client import WabotickClient
from ..models import Template
from .exits import CommandError
from .plan import TemplateContent, VariableSource

__all__ = ["check_template", "fit_to_template"]


async def check_template(client: WabotickClient, content: TemplateContent) -> TemplateContent:
    """Return the content with the positions of the template's own variable map.

    Raises:
        CommandError: the template does not exist, cannot be sent, or wants other variables.
        WabotickError: the list of templates could not be read.
    """
    return fit_to_template(content, await client.templates.list())


def fit_to_template(content: TemplateContent, templates: Sequence[Template]) -> TemplateContent:
    """Do what `check_template` does, with a list of templates."""
    found = next((one for one in templates if one.id == content.template_id), None)
    if found is None:
        known = ", ".join(one.id for one in templates[:20]) or "none"
        raise CommandError(f"--template {content.template_id}: no such template, the sending number has: {known}")
    problems = [*_state_problems(found), *_header_problems(content, found)]
    variables = content.variables
    if found.raw_variable_map:
        problems += _variable_problems(content, found.body_variables)
        variables = _placed(content, found.body_variables)
    if problems:
        raise CommandError(*(f"--template {found.id} ({found.name}): {problem}" for problem in problems))
    return msgspec.structs.replace(content, variables=variables)


def _state_problems(template: Template) -> list[str]:
    problems = []
    if (template.status or "").lower() != "approved":
        problems.append(f"expected an approved template, its status is {template.status}")
    if template.map_needed:
        problems.append("its variables are not mapped; map them on the platform first")
    if (template.template_type or "").lower() == "carousel":
        problems.append("a carousel cannot be sent through the API")
    return problems


def _header_problems(content: TemplateContent, template: Template) -> list[str]:
    given = content.header_media_url or content.header_media_column
    if template.header_type == "media" and not given:
        kind = template.header_subtype or "media"
        return [f"expected --header-media-url or --header-media-column: it has a header of the kind {kind}"]
    if given and template.header_type not in {"media", None}:
        return ["expected no --header-media-url or --header-media-column: it has no media header"]
    return []


def _variable_problems(content: TemplateContent, names: Sequence[str]) -> list[str]:
    given = [one.name for one in content.variables]
    known = ", ".join(dict.fromkeys(names)) or "none"
    missing = [f"expected --var {name}=COLUMN" for name in dict.fromkeys(names) if name not in given]
    surplus = [f"--var {name}: no such variable, it has: {known}" for name in given if name not in names]
    return [*missing, *surplus]


def _placed(content: TemplateContent, names: Sequence[str]) -> tuple[VariableSource, ...]:
    columns = {one.name: one.column for one in content.variables}
    return tuple(
        VariableSource(name, columns[name], position) for position, name in enumerate(names, 1) if name in columns
    )
