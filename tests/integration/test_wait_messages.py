"""A wait's message over a chat: sent once the wait is durable, with the commands that decide it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gitflow_runner.git.objects import Oid
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.notifiers.slack import escaped
from gitflow_runner.runner.service import Service
from tests.memory_runs import SLUG, World, quietly

FLOW = """{:slug :hello :name "Ask" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(flow/step :wait :ask {:title "Ship 7?" :payload {:version 7}
                               :notify {:channels {:slack {:url "https://chat.test/hook"}
                                                   :http {:url "https://any.test/hook"}
                                                   :log {}}}})}
"""


class Chat:
    """The HTTP port of a chat: keeps bodies, and the run's tip when they came."""

    def __init__(self, tip: Callable[[], Oid | None]) -> None:
        self.said: list[tuple[object, Oid | None]] = []
        self._tip = tip

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        assert isinstance(request.body, bytes)
        self.said.append((json.loads(request.body), self._tip()))
        return HttpResponse(200, (), b"ok", request.url)

    def close(self) -> None:
        """Nothing is held open."""


def test_every_channel_hears_of_a_wait_with_the_commands_to_decide_it(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    chat = Chat(lambda: world.at().tip)
    runtime = replace(world.runtime(quietly), make_http=lambda settings: chat)
    Service(runtime).start(SLUG, "main", {}, told=lambda run, changed: None)
    (said, tip), (whole, _) = chat.said
    run, wait = world.at().run, world.run().waits[0].wait
    blocks = [block["text"]["text"] for block in said["blocks"]]  # type: ignore[index]
    assert blocks[0].startswith("*")
    assert "Ship 7?" in blocks[0]
    assert blocks[1] == f"```gfr approve {run} {wait.folder}```"
    assert "git commit-tree -S" in blocks[2]
    assert wait.folder in blocks[2]
    assert blocks[2].endswith("```")
    assert tip in world.chain(), "the wait is durable before anybody hears of it"
    assert any(event.event.kind == "wait.opened" for event in world.history(tip))
    assert isinstance(whole, dict)
    assert whole["variables"]["approve-command"] == f"gfr approve {run} {wait.folder}"
    assert escaped(f"```{whole['variables']['git-commands']}```") == blocks[2]
    logged = (runtime.local.root / "live" / run / f"{wait.folder}.1.log").read_text()
    assert f"gfr approve {run} {wait.folder}" in logged
    assert "git commit-tree -S" in logged
