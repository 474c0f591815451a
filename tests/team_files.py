"""The flows and the policy of the team that the tests of trust work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KEYS = ("ann", "bob", "bob-2", "cat", "eve", "bot", "stranger")
FLOWS = {
    "ship": """(let [answer (flow/step :wait :ask {:title "Ship it?" :payload {:build 412} :timeout "1h"})]
       (if (= "approve" (:action answer))
         (flow/step :kv :record {:operation :append :key "shipped" :item (first (:by answer))})
         {:shipped false :action (:action answer)}))""",
    "pair": """(let [answer (flow/step :wait :ask {:title "Both?" :payload {:build 412} :timeout "1h"})]
       (flow/step :kv :record {:operation :append :key "shipped" :item (:by answer)})
       {:action (:action answer) :by (:by answer)})""",
    "twice": """(let [one (flow/step :wait :first {:title "One?" :payload {:n 1} :timeout "1h"
                                            :on-timeout :continue})
           two (flow/step :wait :second {:title "Two?" :payload {:n 1} :timeout "1h"})]
       [(:action one) (:action two)])""",
    "branch": """(let [answer (flow/step :wait :ask {:title "Soon?" :payload {:build 412} :timeout "1h"
                                             :on-timeout :continue :default-value {:action "approve"}})]
       {:approved (= "approve" (:action answer)) :action (:action answer)})""",
    "both": """(flow/parallel :each {:max 2} ["left" "right"]
       (fn [side] (flow/step :wait :ask {:title side :key side :payload {:side side} :timeout "1h"
                                         :on-timeout :continue})))""",
    "tidy": """(try
       (flow/step :kv :before {:operation :append :key "tidy" :item "begun"})
       (flow/step :wait :ask {:title "Go on?" :payload {:build 412} :timeout "1h"})
       (finally (flow/step :kv :clean {:operation :append :key "tidy" :item "cleaned"})))""",
}
RULES = """[{:match {:flow "pair"} :need 2 :role :dev :drafts true}
  {:match {:flow "*"} :need 1 :role :dev :drafts true}]"""
DUTIES = """:release {:need 1 :role :release} :promote {:need 1 :role :release} :control {:role :dev}
 :policy-change {:need 1 :role :release}"""


def policy_text(
    keys: Mapping[str, str],
    runner: str,
    *,
    version: int,
    rules: str = RULES,
    duties: str = DUTIES,
    without: Sequence[str] = (),
    more: str = "",
    extra: str = "",
    drive: str = ':can #{:drive} :flows ["*"]',
) -> str:
    """A policy over these public keys, by name; `bob-2` is another key of `bob`.

    `without` leaves people out, `extra` adds some, `drive` is what the runner may; "" leaves it out.
    """
    people = {
        "ann": ":kind :human :roles #{:dev :release}",
        "bob": ":kind :human :roles #{:dev :release}",
        "cat": ":kind :human :roles #{:dev}",
        "eve": ":kind :human :roles #{:guest}",
        "bot": ":kind :agent :roles #{:dev :release}",
    }
    lines = []
    for name, about in people.items():
        listed = " ".join(f'{{:ssh "{key}"}}' for who, key in keys.items() if who.split("-")[0] == name)
        if name not in without:
            lines.append(f'"{name}" {{{about} :keys [{listed}]}}')
    if drive:
        kind, blob = runner.split()[:2]
        lines.append(f'"runner" {{:kind :runner {drive} :keys [{{:ssh "{kind} {blob}"}}]}}')
    everybody = "\n  ".join([*lines, extra])
    return f"{{:policy/version {version}\n :people {{{everybody}}}\n :rules {rules}\n {duties} {more}}}\n"
