"""The `slack` notifier: a message to the incoming webhook of Slack or of a chat that takes the same."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.notifiers.base import Ports
from gitflow_runner.notifiers.http import post

MAX_TEXT = 3_000  # of one section


class SlackNotifier:
    """Posts the text, and as a block of its own what can be typed to decide."""

    spec = Spec(
        type="slack",
        summary="Posts the message to a chat's incoming webhook.",
        effect="keyed",
        fields=(Field("url", "url", "the webhook; a connection's address if absent"),),
        example='{:url "https://hooks.example.com/services/x"}',
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Post once; a status from 400 on is `http.status`."""
        return post(settings, json.dumps(chat_body(message), ensure_ascii=False).encode(), message.key, ports)


NOTIFIER = SlackNotifier()


def chat_body(message: Message) -> dict[str, object]:
    """The text for every client, and the same in blocks with the commands to type."""
    text = f"*{escaped(message.title)}*\n{escaped(message.linked_text)}"
    # Half a command is worse than none: one that is too long is left to `gfr show`.
    commands = [f"```{escaped(each)}```" for each in message.commands]
    sections = [text[:MAX_TEXT], *(each for each in commands if len(each) <= MAX_TEXT)]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in sections]
    return {"text": text, "blocks": blocks}


def escaped(text: str) -> str:
    """The text without the marks by which a chat calls people or makes links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
