"""From a form to a reply: throttle, login, validation, the endpoint's answer."""

from collections import Counter
from dataclasses import replace

from .answers import ANSWERS
from .call import Call
from .contract import EndpointContract
from .dialect import Dialect, content_type, refused
from .form import Form
from .refusals import FieldsError, RefusalError
from .reply import Reply, json_reply, page
from .state import State
from .throttle import Throttle

LOGIN_PATH = "/login"


class Platform:
    """Answer calls as the platform does; no connection in sight."""

    def __init__(self, state: State, *, token: str, dialect: Dialect, throttle: Throttle) -> None:
        self.state = state
        self.token = token
        self.dialect = dialect
        self.throttle = throttle
        self.oddities: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()

    def answer(self, endpoint: EndpointContract, form: Form, *, accepts_json: bool, twice: bool = False) -> Reply:
        """Carry a call out and return the reply; `twice` lets the server accept it a second time by itself."""
        token = form.fields.get("apiToken", "")
        wait = self.throttle.take_request(token)
        headers = self.throttle.headers(token, wait)
        if wait is not None:
            return json_reply({"message": "Too Many Attempts."}, 429, headers)
        reply = self._let_in(endpoint, form, accepts_json=accepts_json, twice=twice)
        return reply._replace(headers={**reply.headers, **headers})

    def _let_in(self, endpoint: EndpointContract, form: Form, *, accepts_json: bool, twice: bool) -> Reply:
        self._look_at(endpoint, form, accepts_json=accepts_json)
        denied = self._denied(form.fields.get("apiToken", ""), accepts_json=accepts_json)
        if denied is not None:
            return denied
        call = Call(
            endpoint=endpoint,
            fields=form.fields,
            state=self.state,
            throttle=self.throttle,
            dialect=self.dialect,
            turn=self._turns[endpoint.name],
            oddities=self.oddities,
            file=form.file,
        )
        self._turns[endpoint.name] += 1
        reply = self._carry_out(call, form)
        if twice:
            self._carry_out(replace(call, by_server=True), form)
        if reply.status == 422 and not accepts_json:
            # Laravel sends a browser back to the form instead of naming the fields.
            return page(302, "Redirecting", {"Location": "/"})
        return reply

    def _carry_out(self, call: Call, form: Form) -> Reply:
        try:
            _validate(call.endpoint, form)
            answer = ANSWERS[call.endpoint.name](call)
        except FieldsError as error:
            return json_reply({"message": error.text, "errors": error.fields}, 422)
        except RefusalError as refusal:
            answer = refused(call, refusal.text)
        return json_reply(answer)._replace(content_type=content_type(call))

    def _denied(self, token: str, *, accepts_json: bool) -> Reply | None:
        if token == self.token:
            return None
        if not accepts_json:
            # Laravel sends a browser to the login page, whatever was wrong (contract README, "Headers").
            return page(302, "Redirecting", {"Location": LOGIN_PATH})
        if not token:
            return json_reply({"message": "Unauthenticated."}, 401)
        return json_reply({"status": "0", "message": "Unauthenticated."}, 401)

    def _look_at(self, endpoint: EndpointContract, form: Form, *, accepts_json: bool) -> None:
        for problem in form.problems:
            self.oddities[f"{endpoint.name}: {problem}"] += 1
        if not accepts_json:
            self.oddities[f"{endpoint.name}: no Accept: application/json"] += 1
        for key, value in form.fields.items():
            if key not in endpoint.known and not (
                endpoint.name == "send_template" and key.startswith("templateVariable-")
            ):
                self.oddities[f"{endpoint.name}: unknown field {key}"] += 1
            elif not value:
                self.oddities[f"{endpoint.name}: empty field {key}"] += 1


def _validate(endpoint: EndpointContract, form: Form) -> None:
    missing = [name for name in endpoint.required if not form.fields.get(name)]
    errors = {name: [f"The {name.replace('_', ' ')} field is required."] for name in missing}
    errors.update({name: [f"The {name.replace('_', ' ')} field was sent twice."] for name in form.repeated})
    if errors:
        raise FieldsError(errors)
