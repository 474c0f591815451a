"""Secrets that come back from everywhere: afterwards no object, file or word of ours holds one.

A service repeats the secrets that it was sent, and one that it was not, in every spelling, in bodies,
headers and errors; the flow hands all of it to records, stores, logs, messages and people. What is searched
is every object of the repository, reachable or not, everything beside it, and all that was printed.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.loopback import Answer, Loopback
from tests.secrets_case import Shop, shop
from tests.spoken import spoken
from tests.team import Team

FLOW = """
(let [told (flow/step :http :echo {:connection :shop :path "/echo" :method :post
                                   :headers {"X-Note" "hello"} :json {:note (:note (flow/input))}})
      asked (flow/step :http :query {:connection :by-query :path "/echo" :method :post})
      bad (try (flow/step :http :broken {:connection :shop :path "/broken" :method :post})
               (catch :default e {:message (ex-message e) :data (ex-data e)}))
      big (flow/step :http :big {:connection :shop :path "/big" :persist {:type :blob}})
      small (flow/step :http :small {:connection :shop :path "/echo" :persist {:type :blob}})
      text (str (:body told))]
  (flow/step :notify :log {:channels {:log {:text text}}})
  (flow/step :notify :post {:channels {:http {:connection :shop :path "/hook" :json {:text text}}}})
  (flow/step :kv :keep {:operation :set :key "told" :value told})
  (flow/step :files :write {:op :write-file :changeset (flow/step :files :begin {:op :init-changeset})
                            :path "told.txt" :content text})
  (flow/step :search :look {:query "told" :limit 5})
  (flow/step :function :tabled {:code '(fn [m] [m]) :input {:told told :text text}
                                :persist {:type :table :table "told"}})
  (flow/step :function :same {:code '(fn [m] {:again m}) :input {:told told}})
  (flow/step :http :prompt {:connection :shop :path "/hook" :method :post
                            :json {:model "m" :messages [{:role "user" :content text}]}})
  (flow/step :wait :ask {:title (subs text 0 (min 100 (count text))) :payload {:told told :bad bad}
                         :notify {:channels {:log {:text text}}} :timeout "1h"})
  {:told told :asked asked :bad bad :big big :small small})
"""
BROKEN = """(flow/step :http :broken {:connection :shop :path "/broken" :method :post})"""
PRINTABLE = "".join(sorted(set(string.printable) - set(string.whitespace)))
OTHERS = PRINTABLE + " äßéñ€漢字😀İ\n"


def made_up(chance: random.Random, letters: str, low: int) -> str:
    """A text of these letters that may be a secret."""
    text = "".join(chance.choice(letters) for _ in range(chance.randint(low, 40))).strip()
    return text if len(text) >= low and len(set(text)) > 3 else made_up(chance, letters, low)


def spellings(secret: str) -> Iterator[bytes]:
    """What no record may hold; made without the redactor's own list."""
    data = secret.encode()
    yield data
    yield from (data.hex().encode(), data.hex().upper().encode())
    for before in (b"", b"x", b"xy"):
        encoded = base64.b64encode(before + data + b"z" * ((-len(before) - len(data)) % 3))
        inner = encoded[4 if before else 0 : len(encoded) - 4].strip(b"=")
        if len(inner) >= 8:
            yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))
    for text in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield from (text.encode(), text.replace("%", "%25").encode())
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()


def echo(*secrets: str) -> bytes:
    """Every spelling of every secret, as a service might repeat it."""
    texts = []
    for secret in secrets:
        data = secret.encode()
        texts += [secret, quote(secret, safe=""), quote_plus(secret), data.hex(), json.dumps(secret)]
        texts += [base64.b64encode(before + data).decode() for before in (b"", b"x", b"xy", b"name:")]
    keys = dict.fromkeys(secrets, "as a key")
    return json.dumps({"texts": texts, "keys": keys, "all": " ".join(texts)}, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def there(team_template: Team, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with Loopback() as server:
        made = shop(team_template.copy(tmp_path_factory.mktemp("leaks")), server)
        made.write(
            ".breyta/connections.yaml",
            f"""connections:
  shop: {{type: http-api, base-url: "{server.origin}", auth: {{type: bearer, secret: TOKEN}}}}
  by-query: {{type: http-api, base-url: "{server.origin}", auth: {{type: api-key, query: k, secret: KEY}}}}
""",
        )
        both = "[{:slot :shop :type :http-api} {:slot :by-query :type :http-api}]"
        by_note = "{:type :keyed :key-field :note :on-new-version :supersede}"
        made.flow("leaky", FLOW, requires=both, concurrency=by_note)
        made.flow("breaks", BROKEN)
        made.commit()
        yield made


@pytest.mark.parametrize("seed", range(8))
def test_no_secret_is_left_anywhere(there: Shop, seed: int) -> None:
    chance = random.Random(seed)
    token = made_up(chance, string.ascii_letters + string.digits + "-_", 12)
    key, other = made_up(chance, PRINTABLE, 8), made_up(chance, OTHERS, 8)
    there.secret("TOKEN", token)
    there.secret("KEY", key)
    there.secret("OTHER", other)
    body = echo(token, key, other)
    headers = {
        "Content-Type": "application/json",
        "X-Echo": quote(token),
        "X-Key": base64.b64encode(key.encode()).decode(),
    }
    there.server.on("/echo", Answer(200, body, headers))
    there.server.on("/broken", Answer(400, body, headers))
    there.server.on("/big", Answer(200, body + b" " * 1_100_000 + body, {"Content-Type": "text/plain"}))
    there.server.on("/hook", Answer(200, b"{}", headers))
    said = []
    for expected, *arguments in (
        (7, "run", "leaky", "-i", f"note={token} and {other}", "--json"),
        (1, "run", "breaks"),
        (3, "run", "leaky", "--ref", f"v9-{token}"),
        (0, "waits", "--json"),
    ):
        code, out, err = spoken(there.team.home, *map(str, arguments))
        assert code == expected, (out, err)
        said += [out.encode(), err.encode()]
    run = json.loads(said[0])["data"]["run"]
    for arguments in (("show", run), ("logs", run), ("cancel", run, "--reason", f"because {token}")):
        _, out, err = spoken(there.team.home, *arguments)
        said += [out.encode(), err.encode()]
    sent = [seen.headers.get("authorization") for seen in there.server.seen]
    assert f"Bearer {token}" in sent
    kept = list(beside(there.team.home / ".git"))
    assert any(len(data) > 1_000_000 for _, data in kept), "the large value lies beside Git"
    bodies = [("a message or prompt", seen.body) for seen in there.server.seen]
    places = [*bodies, ("an object", there.everything()), *kept, *(("what was said", data) for data in said)]
    for secret in (token, key, other):
        for spelled in spellings(secret):
            assert [where for where, data in places if spelled in data] == [], (secret, spelled)


def beside(git: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the repository that is no object, save the store of secrets itself."""
    for path in sorted(git.rglob("*")):
        within = path.relative_to(git).parts
        if path.is_file() and within[0] != "objects" and within[:2] != ("gitflow", "secrets"):
            yield str(path), path.read_bytes()
