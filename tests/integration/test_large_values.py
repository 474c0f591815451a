"""Values of any size pass through a run in constant memory, and what is lost or damaged is told."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_clone import ROOT, SLUG, Clone
from tests.s3_server import s3
from tests.streaming_server import blocks, streaming

SIZE = 500_000_000
MEMORY = 64 * 1024 * 1024

FLOW = """{:slug :hello
 :name "Carry"
 :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:inputs []}}
 :interfaces {:manual [{:id :run :label "Run" :invocation :default :enabled true}]}
 :flow
 '(let [got (flow/step :http :download
              {:url "ORIGIN/give" :query {:bytes SIZE} :timeout "5m"
               :persist {:type :blob :tier TIER :filename "big.bin"}})
        sent (flow/step :http :upload
               {:url "ORIGIN/take" :method :put :timeout "5m" :body-from-ref got})]
    {:size (:size-bytes got) :uri (:uri got) :status (:status sent)})}
"""


@pytest.fixture
def origin() -> Iterator[str]:
    with streaming() as running:
        yield running


def carrying(tmp_path: Path, origin: str, size: int, tier: str = ":ephemeral") -> Clone:
    flow = FLOW.replace("ORIGIN", origin).replace("SIZE", str(size)).replace("TIER", tier)
    return Clone(tmp_path / "clone", flow, origin=origin)


def taken(origin: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{origin}/taken") as answer:
        found: dict[str, object] = json.loads(answer.read())
    return found


def digest_of(size: int) -> str:
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


def test_half_a_gigabyte_is_stored_and_sent_on_in_constant_memory(tmp_path: Path, origin: str) -> None:
    clone = carrying(tmp_path, origin, SIZE)
    done = subprocess.run(
        [sys.executable, "-m", "tests.measured_run", str(clone.folder), SLUG],
        cwd=ROOT,
        env=clone.environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["status"] == "succeeded"
    assert taken(origin) == {"bytes": SIZE, "sha256": digest_of(SIZE)}
    grown = told["peak"] - told["start"]
    assert grown < MEMORY, f"{grown >> 20} MB above the start"
    git = sum(p.stat().st_size for p in (clone.folder / ".git/objects").rglob("*") if p.is_file())
    assert git < 1_000_000, "only a pointer lies in Git"


def test_a_retained_value_ends_at_its_tier(tmp_path: Path, origin: str) -> None:
    clone = carrying(tmp_path, origin, 50_000_001, ":retained")
    told = json.loads(clone.gfr("run", SLUG, "--json", codes=(1,)))
    assert told["data"]["failure"]["code"] == "http.too_large"
    assert list((clone.folder / ".git/gitflow/objects-ext").glob("*")) == []


def test_stored_values_are_listed_shown_fetched_searched_and_kept_while_named(
    tmp_path: Path, origin: str
) -> None:
    clone = carrying(tmp_path, origin, 2_000_000)
    run = clone.gfr("run", SLUG).splitlines()[0]
    sha256 = digest_of(2_000_000)
    (listed,) = json.loads(clone.gfr("resources", "ls", "--json"))["data"]["items"]
    assert listed == {
        "uri": f"res://sha256/{sha256}",
        "sha256": sha256,
        "size": 2_000_000,
        "media_type": "application/octet-stream",
        "place": "store",
        "runs": [run],
    }
    assert json.loads(clone.gfr("resources", "show", sha256[:8], "--json"))["data"]["preview"] is None
    clone.gfr("resources", "get", sha256[:8], "-o", "../fetched")
    assert hashlib.sha256((tmp_path / "fetched").read_bytes()).hexdigest() == sha256
    assert json.loads(clone.gfr("resources", "search", "nothing", "--json"))["data"]["items"] == []
    refused = json.loads(clone.gfr("resources", "rm", sha256, "--json", codes=(5,)))
    assert refused["error"]["code"] == "res.in_use"
    done = json.loads(clone.gfr("resources", "rm", "--unused", "--dry-run", "--json"))["data"]
    assert (done["taken"], done["kept"]) == ([], 1)


def test_a_run_whose_large_value_is_lost_or_damaged_is_told_so(tmp_path: Path, origin: str) -> None:
    clone = carrying(tmp_path, origin, 2_000_000)
    run = clone.gfr("run", SLUG).splitlines()[0]
    (file,) = [p for p in (clone.folder / ".git/gitflow/objects-ext").rglob("*") if p.is_file()]
    assert json.loads(clone.gfr("runs", "verify", run, "--json"))["data"]["verdict"] == "ok"
    data = file.read_bytes()
    file.write_bytes(b"!" + data[1:])
    damaged = json.loads(clone.gfr("runs", "verify", run, "--json", codes=(1,)))["data"]
    assert [f["code"] for f in damaged["findings"]] == ["res.digest"]
    file.unlink()
    lost = json.loads(clone.gfr("runs", "verify", run, "--json", codes=(1,)))["data"]
    assert (lost["verdict"], [f["code"] for f in lost["findings"]]) == ("incomplete", ["incomplete"])


def test_clones_that_share_runs_share_large_values_or_are_told(tmp_path: Path, origin: str) -> None:
    clone = carrying(tmp_path, origin, 2_000_000)
    clone.git("init", "-q", "--bare", "../remote.git")
    clone.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    clone.git("config", "gitflow.remote", "origin")
    failed = json.loads(clone.gfr("run", SLUG, "--json", codes=(1,)))
    assert failed["data"]["failure"]["code"] == "blob_not_shared"
    clone.git("config", "gitflow.resources", str(tmp_path / "shared"))
    clone.gfr("run", SLUG)
    sha256 = digest_of(2_000_000)
    assert (tmp_path / "shared" / sha256[:2] / sha256).stat().st_size == 2_000_000
    refused = json.loads(clone.gfr("resources", "rm", "--unused", "--json", codes=(4,)))
    assert refused["error"]["code"] == "res.shared"
    clone.git("config", "gitflow.resources", "local")
    clone.gfr("run", SLUG)
    clone.git("config", "gitflow.resources", "not/absolute")
    assert json.loads(clone.gfr("run", SLUG, "--json", codes=(2,)))["error"]["code"] == "res.folder"


CONFIG = """http:
  allow: ['ORIGIN', 'STORE']
resources: {connection: values, prefix: team/large}
"""
CONNECTIONS = """connections:
  values:
    type: http-api
    base-url: URL
    auth:
      type: aws-sigv4
      region: eu-central-1
      service: s3
      secrets: {access-key-id: VALUES_ID, secret-access-key: VALUES_KEY}
"""


def test_a_second_clone_reads_from_the_bucket_what_a_run_of_the_first_stored(
    tmp_path: Path, origin: str
) -> None:
    clone = carrying(tmp_path, origin, 5_000_000)
    with s3(tmp_path / "s3.log") as server:
        settings = CONFIG.replace("ORIGIN", origin).replace("STORE", server.origin)
        (clone.folder / ".breyta/config.yaml").write_text(settings)
        (clone.folder / ".breyta/connections.yaml").write_text(CONNECTIONS.replace("URL", server.url))
        clone.git("add", "-A")
        clone.git("commit", "-q", "--no-gpg-sign", "-m", "a bucket")
        elsewhere = settings.replace("connection: values", "connection: mine")
        (clone.folder / ".breyta/config.yaml").write_text(elsewhere)  # a draft has no say in it
        clone.git("init", "-q", "--bare", "../remote.git")
        clone.git("remote", "add", "origin", str(tmp_path / "remote.git"))
        clone.git("push", "-q", "origin", "main")
        clone.git("config", "gitflow.remote", "origin")
        clone.environment |= {"VALUES_ID": server.key.id, "VALUES_KEY": server.key.secret}
        for name in ("VALUES_ID", "VALUES_KEY"):
            clone.gfr("secrets", "allow", name, "--for", server.origin)
        run = clone.gfr("run", SLUG).splitlines()[0]
        sha256 = digest_of(5_000_000)
        assert taken(origin) == {"bytes": 5_000_000, "sha256": sha256}

        second = Clone.of(tmp_path / "second", tmp_path / "remote.git", clone.environment)
        second.git("config", "gitflow.remote", "origin")
        for name in ("VALUES_ID", "VALUES_KEY"):
            second.gfr("secrets", "allow", name, "--for", server.origin)
        (listed,) = json.loads(second.gfr("resources", "ls", "--json"))["data"]["items"]
        assert (listed["place"], listed["runs"]) == ("bucket", [run])
        second.gfr("resources", "get", sha256, "-o", "../fetched")
        assert hashlib.sha256((tmp_path / "fetched").read_bytes()).hexdigest() == sha256


CALLED = """{:slug :called :name "Called" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [sent (flow/step :http :upload {:url "ORIGIN/take" :method :put
                                             :body-from-ref (:given (flow/input))})]
          (flow/step :http :again {:url "ORIGIN/give" :query {:bytes 3000} :persist {:type :blob}}))}
"""
CALLER = """{:slug :hello :name "Caller" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [got (flow/step :http :get {:url "ORIGIN/give" :query {:bytes SIZE} :persist {:type :blob}})
              back (flow/call-flow :called {:given got})]
          (:status (flow/step :http :send {:url "ORIGIN/take" :method :put :body-from-ref back})))}
"""


@pytest.mark.parametrize("size", [2_000, 2_000_000])
def test_a_reference_leads_to_its_value_in_a_called_run_and_back(
    tmp_path: Path, origin: str, size: int
) -> None:
    clone = Clone(
        tmp_path / "clone", CALLER.replace("ORIGIN", origin).replace("SIZE", str(size)), origin=origin
    )
    (clone.folder / ".breyta/flows/called.edn").write_text(CALLED.replace("ORIGIN", origin))
    told = json.loads(clone.gfr("run", SLUG, "--json"))["data"]
    assert (told["status"], told["output"]["preview"]) == ("succeeded", "200")
    assert taken(origin) == {"bytes": 3_000, "sha256": digest_of(3_000)}
    items = json.loads(clone.gfr("resources", "ls", "--json"))["data"]["items"]
    assert {i["sha256"]: len(i["runs"]) for i in items} == {digest_of(size): 2, digest_of(3_000): 2}
    for run in {run for item in items for run in item["runs"]}:
        assert json.loads(clone.gfr("runs", "verify", run, "--json"))["data"]["verdict"] == "ok"
