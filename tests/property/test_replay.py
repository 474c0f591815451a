"""Replay: a fresh evaluation at every prefix asks for exactly what the living one asked for."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gitflow_runner.lang.values import keyword
from gitflow_runner.model.failure import Failure
from tests.engine_shell import Shell, program

PARALLEL = """(let [before (flow/step :time :before {:give 5})
                    all (flow/parallel :each {:max 3} [0 1 2 3]
                          (fn [n] (let [a (flow/step :time :a {:give n})
                                        w (if (even? n) (flow/step :wait :ask {:title "?"}) {:action "none"})
                                        s (flow/step :sleep :rest {:millis 1})]
                                    [a (:action w) (for [k [1 2]] (flow/step :time :k {:give (* k n)}))])))]
                [before all (flow/step :time :after {:give 9})])"""


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_order_of_completion_gives_one_value_and_one_set_of_identities(seed: int) -> None:
    chance = random.Random(seed)
    reference = Shell(program(PARALLEL)).run()
    shuffled = Shell(program(PARALLEL), pick=lambda n: chance.randrange(n)).run()
    assert shuffled.output == reference.output
    assert set(shuffled.identities) == set(reference.identities)


def test_three_hundred_orders_of_completion_give_one_result() -> None:
    made = program(PARALLEL)
    found = set()
    for seed in range(300):
        chance = random.Random(seed)
        shell = Shell(made, pick=lambda n, chance=chance: chance.randrange(n)).run()
        found.add((shell.output, tuple(sorted(shell.identities))))
    assert len(found) == 1


BODIES = st.sampled_from(
    [
        PARALLEL,
        "(loop [i 0 acc []] (if (< i 4) (recur (inc i) (conj acc (flow/step :time :turn {:give i}))) acc))",
        "(for [x [1 2 3] :when (odd? x)] (flow/step :time :x {:give x}))",
        """(try (flow/step :time :bad {}) (catch Exception e [(:code (ex-data e)) (flow/step :time :mend {})])
             (finally (flow/step :time :always {})))""",
        """(let [t0 (flow/now-ms) _ (flow/step :time :a {}) t1 (flow/now-ms)]
             (flow/step :time :b {:give (- t1 t0)}))""",
        """(flow/poll {:interval "1s" :max-attempts 5 :return-on (fn [r] (= r 3))}
             (flow/step :time :poll {}))""",
    ]
)


@settings(max_examples=60, deadline=None)
@given(body=BODIES, seed=st.integers(0, 2**32))
def test_the_living_and_the_fresh_evaluation_agree_at_every_prefix(body: str, seed: int) -> None:
    chance = random.Random(seed)
    counted = [0]

    def result(command: object) -> object:
        identity = command.identity  # type: ignore[attr-defined]
        if identity.endswith("bad"):
            return Failure("x.bad", "no good")
        if "poll" in identity:
            counted[0] += 1
            return counted[0]
        given = command.config.get  # type: ignore[attr-defined]
        value = given(keyword("give"))
        return "r" if value is None else value

    shell = Shell(program(body), result=result, pick=lambda n: chance.randrange(n))  # type: ignore[arg-type]
    while True:
        commands = shell.activation.commands()
        assert shell.replayed(len(shell.history)) == commands
        if not commands:
            break
        shell.feed(*shell.events(commands[shell.pick(len(commands))]))
