"""What is pinned to a subscriber's chat: notes, agent, labels, sequences, input flow."""

from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..dialect import done, listed


def add_note(call: Call) -> Body:
    """Add a note; a repeat adds a second one."""
    call.subscriber().notes.append(call.text("note_text"))
    return done(call)


def assign_chat(call: Call) -> Body:
    """Give the chat to a team member; it shows up as a row of the system (contract note)."""
    subscriber = call.subscriber()
    subscriber.agent_id = call.whole("team_member_id")
    call.state.record(subscriber, "system", "Support Agent has been assigned to this conversation.")
    return done(call)


def reset_user_input_flow(call: Call) -> Body:
    """Forget where the subscriber is in a flow."""
    call.subscriber().input_flow = None
    return done(call)


def assign_labels(call: Call) -> Body:
    """Add labels; unknown ids are dropped."""
    subscriber = call.subscriber()
    for label in call.id_list("label_ids"):
        if label in call.state.labels and label not in subscriber.label_ids:
            subscriber.label_ids.append(label)
            call.state.record(subscriber, "system", f"Label {call.state.labels[label].strip()} has been added.")
    return done(call)


def remove_labels(call: Call) -> Body:
    """Take labels away; the answer has the wording of the assignment (contract note)."""
    subscriber = call.subscriber()
    gone = call.id_list("label_ids")
    subscriber.label_ids = [label for label in subscriber.label_ids if label not in gone]
    return done(call)


def assign_sequences(call: Call) -> Body:
    """Enrol in sequences; unknown ids are answered with success (contract note)."""
    subscriber = call.subscriber()
    subscriber.sequence_ids += [drip for drip in call.id_list("sequence_ids") if drip in call.state.sequences]
    return done(call)


def remove_sequences(call: Call) -> Body:
    """Take out of sequences."""
    subscriber = call.subscriber()
    gone = call.id_list("sequence_ids")
    subscriber.sequence_ids = [drip for drip in subscriber.sequence_ids if drip not in gone]
    return done(call)


def list_labels(call: Call) -> Body:
    """Return the labels of the account."""
    _ = call.number
    labels = call.state.labels.items()
    return listed(call, [{"id": label, "label_name": name, "status": "1"} for label, name in labels])


def create_label(call: Call) -> Body:
    """Add a label; the answer has no id, and the same name again makes another one."""
    _ = call.number
    call.state.labels[call.state.next_id()] = call.text("label_name")
    return done(call)


ANSWERS: Mapping[str, Callable[[Call], Body]] = {
    "add_note": add_note,
    "assign_chat": assign_chat,
    "reset_user_input_flow": reset_user_input_flow,
    "assign_labels": assign_labels,
    "remove_labels": remove_labels,
    "assign_sequences": assign_sequences,
    "remove_sequences": remove_sequences,
    "list_labels": list_labels,
    "create_label": create_label,
}
