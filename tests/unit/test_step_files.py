"""The `:files` step over trees in memory."""

from __future__ import annotations

import io
import tarfile

import pytest

from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.steps import files
from gitflow_runner.steps.base import BlobRef, Context
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.memory import MemoryBlobs
from tests.step_context import THREE, TWO, World, at, edn, failure, run, text


class Desk:
    """One world in which steps follow one another."""

    def __init__(self) -> None:
        self.world = World()

    def do(self, config: str, changeset: Value = None, **parts: Value) -> Value:
        return files.STEP.run(self._config(config, changeset, parts), self.context())

    def fails(self, config: str, changeset: Value = None, **parts: Value) -> str:
        with pytest.raises(StepError) as caught:
            self.do(config, changeset, **parts)
        return caught.value.code

    def context(self) -> Context:
        return self.world.context()

    def begun(self) -> Value:
        return self.do("{:op :init-changeset}")

    def read(self, changeset: Value, path: str) -> Value:
        return at(self.do(f'{{:op :read :path "{path}"}}', changeset), "content")

    def _config(self, config: str, changeset: Value, parts: dict[str, Value]) -> dict[str, object]:
        value = edn(config)
        if changeset is not None:
            value = value.assoc(keyword("changeset"), changeset)
        for name, part in parts.items():
            value = value.assoc(keyword(name.replace("_", "-")), part)
        return parse_config(files.SPEC, value)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_source_is_resolved_to_one_commit_for_ever(desk: Desk) -> None:
    source = desk.do('{:op :resolve-source :source {:type :git :repo "." :ref "v2"}}')
    assert (at(source, "type"), at(source, "commit")) == (keyword("source-tree-ref"), TWO)
    assert at(desk.do("{:op :resolve-source}"), "commit") == THREE
    listed = desk.do("{:op :list}", source=source)
    assert [at(each, "path") for each in at(listed, "files")] == ["README.md", "src/a.py", "src/b.bin"]
    globbed = desk.do('{:op :list :pattern "src/*.py" :limit 1}', source=source)
    assert text(at(globbed, "files")) == '[{:path "src/a.py", :kind :file, :size 6}]'


def test_a_file_is_read_whole_or_by_lines(desk: Desk) -> None:
    made = desk.do('{:op :write-file :path "t" :content "a\\nb\\nc\\n"}', desk.begun())
    part = desk.do('{:op :read :path "t" :start 2 :end 2}', made)
    assert (at(part, "content"), at(part, "lines"), at(part, "size")) == ("b\n", 3, 6)
    assert at(desk.do('{:op :read :path "t" :start 3 :end 9}', made), "content") == "c\n"
    assert text(desk.read(made, "src/b.bin")) == '#bytes "//4="'
    assert desk.fails('{:op :read :path "src/b.bin" :start 1}') == "files.binary"
    assert desk.fails('{:op :read :path "t" :max-bytes 2}', made) == "files.too_large"


def test_each_change_is_a_new_changeset_and_the_old_one_stays(desk: Desk) -> None:
    first = desk.do('{:op :write-file :path "src/c.py" :content "c = 1\\n"}', desk.begun())
    second = desk.do('{:op :apply-edit :path "src/c.py" :old "1" :new "2"}', first)
    assert (desk.read(first, "src/c.py"), desk.read(second, "src/c.py")) == ("c = 1\n", "c = 2\n")
    assert (at(second, "base"), at(second, "count")) == (THREE, 1)
    again = desk.do('{:op :apply-edit :path "src/c.py" :old "1" :new "2"}', first)
    assert text(again) == text(second)


def test_edits_say_the_place_to_the_letter(desk: Desk) -> None:
    made = desk.do('{:op :write-file :path "t" :content "x = 1\\ny = 1\\n"}', desk.begun())
    edit = '{:op :apply-edit :path "t" '
    assert desk.fails(edit + ':old "= 1" :new ""}', made) == "files.ambiguous"
    assert desk.fails(edit + ':old "= 3" :new ""}', made) == "files.no_match"
    assert desk.fails(edit + ':old "" :new "x"}', made) == "files.no_match"
    assert desk.fails(edit + ':old "x"}', made) == "missing_config_key"
    assert desk.fails(edit + ':edits [{:old "x"}]}', made) == "config_type"
    both = desk.do(edit + ':edits [{:old "x = 1" :new "x = 2"} {:old "x = 2\\ny" :new "z"}]}', made)
    assert desk.read(both, "t") == "z = 1\n"
    every = desk.do('{:op :replace :path "t" :old "1" :new "7" :count 2}', made)
    assert (desk.read(every, "t"), at(every, "replaced")) == ("x = 7\ny = 7\n", 2)
    assert desk.fails('{:op :replace :path "t" :old "1" :new "7" :count 1}', made) == "files.count"
    assert desk.fails('{:op :apply-edit :path "src/b.bin" :old "a" :new "b"}', made) == "files.binary"


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        ("a\nb\nc\n", ':start 2 :end 2 :content "B"', "a\nB\nc\n"),
        ("a\nb\nc\n", ':start 2 :end 3 :content ""', "a\n"),
        ("a\nb\n", ':start 1 :end 0 :content "new\\n"', "new\na\nb\n"),
        ("a\nb", ':start 3 :end 2 :content "c"', "a\nb\nc"),
        ("a\r\nb\r\n", ':start 1 :end 1 :content "A"', "A\r\nb\r\n"),
        ("a\u2028b\nc\n", ':start 2 :end 2 :content "C\\n" :old "c"', "a\u2028b\nC\n"),
        ("", ':start 1 :end 0 :content "x"', "x"),
    ],
)
def test_lines_are_replaced(desk: Desk, before: str, lines: str, after: str) -> None:
    made = desk.do('{:op :write-file :path "t"}', desk.begun(), content=before)
    assert desk.read(desk.do(f'{{:op :replace-lines :path "t" {lines}}}', made), "t") == after


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (":start 0 :end 1", "config_type"),
        (":start 4 :end 4", "files.lines"),
        (":start 2 :end 0", "files.lines"),
        (':start 1 :end 1 :old "b"', "files.no_match"),
    ],
)
def test_lines_that_are_not_there_are_told(desk: Desk, lines: str, code: str) -> None:
    made = desk.do('{:op :write-file :path "t" :content "a\\nb\\n"}', desk.begun())
    assert desk.fails(f'{{:op :replace-lines :path "t" {lines} :content "x"}}', made) == code


def test_files_are_deleted_and_moved(desk: Desk) -> None:
    made = desk.do('{:op :move-file :path "src/a.py" :to "lib/a.py"}', desk.begun())
    assert (desk.read(made, "lib/a.py"), at(made, "count")) == ("a = 2\n", 2)
    assert desk.fails('{:op :read :path "src/a.py"}', made) == "files.unknown_path"
    assert desk.fails('{:op :delete-file :path "src/a.py"}', made) == "files.unknown_path"
    assert desk.fails('{:op :move-file :path "lib/a.py" :to "src/b.bin"}', made) == "files.path_taken"
    back = desk.do('{:op :move-file :path "lib/a.py" :to "src/a.py"}', made)
    assert at(back, "tree") == at(desk.begun(), "tree")
    gone = desk.do('{:op :delete-file :path "src/b.bin"}', back)
    assert [at(c, "path") for c in at(desk.do("{:op :diff}", gone), "changes")] == ["src/b.bin"]


def test_a_search_and_a_diff_see_the_changes(desk: Desk) -> None:
    made = desk.do('{:op :apply-edit :path "src/a.py" :old "2" :new "needle"}', desk.begun())
    found = desk.do('{:op :search :query "needle"}', made)
    assert text(at(found, "matches")) == '[{:path "src/a.py", :line 1, :column 5, :text "a = needle"}]'
    assert at(desk.do('{:op :search :query "needle"}'), "count") == 0
    told = desk.do("{:op :diff}", made)
    assert "-a = 2\n+a = needle\n" in at(told, "patch")
    since = desk.do('{:op :resolve-source :source {:ref "v2"}}')
    assert at(desk.do("{:op :diff}", source=desk.do("{:op :resolve-source}"), since=since), "count") == 2
    assert desk.fails("{:op :diff}") == "missing_config_key"


def test_a_tree_goes_out_as_an_archive_and_comes_back(desk: Desk) -> None:
    sent = desk.do('{:op :materialize :paths ["src"]}', desk.begun())
    assert (at(sent, "count"), at(sent, "content-type")) == (2, "application/x-tar")
    assert text(sent) == text(desk.do('{:op :materialize :paths ["src"]}', desk.begun()))
    same = desk.do('{:op :capture :paths ["src"]}', desk.begun(), archive=sent)
    assert (at(same, "count"), at(same, "written"), at(same, "deleted")) == (0, 0, 0)
    answer = desk.world.blobs.put(tarred({"./src/a.py": b"a = 9\n", "src/new": b"x"}), "application/x-tar")
    took = desk.do('{:op :capture :paths ["src"] :delete-missing true}', desk.begun(), archive=answer.uri)
    assert (at(took, "written"), at(took, "deleted")) == (2, 1)
    changes = at(desk.do("{:op :diff}", took), "changes")
    assert [(at(c, "status"), at(c, "path")) for c in changes] == [
        ("M", "src/a.py"), ("D", "src/b.bin"), ("A", "src/new"),
    ]  # fmt: skip
    outside = desk.world.blobs.put(tarred({"README": b"x"}), "application/x-tar")
    assert desk.fails('{:op :capture :paths ["src"]}', desk.begun(), archive=outside.uri) == "files.archive"


def test_a_changeset_is_published_once_for_its_key(desk: Desk) -> None:
    made = desk.do('{:op :write-file :path "new" :content "x"}', desk.begun())
    asked = '{:op :publish :branch "docs/new" :message "Add new"}'
    done = desk.do(asked, made)
    assert desk.world.files.branches["docs/new"] == at(done, "commit")
    assert text(desk.do(asked, made)) == text(done)
    desk.world.clock.advance(1_000)
    assert desk.fails(asked, made) == "files.branch_taken"
    change = edn('{:title "Add new" :base "main"}')
    opened = desk.do("{:op :open-change-request}", published=done, change=change)
    assert (at(opened, "base"), at(opened, "branch"), at(opened, "number")) == ("main", "docs/new", None)
    assert desk.fails('{:op :publish :branch "x" :message "m"}', desk.begun()) == "files.nothing"


@pytest.mark.parametrize(
    "message", ["", " \n", "a\x00b", "ok\n\nGitflow-Statement: approval", "x\n  gitflow-act: start"]
)
def test_a_message_says_nothing_in_the_runners_name(desk: Desk, message: str) -> None:
    made = desk.do('{:op :write-file :path "new" :content "x"}', desk.begun())
    assert desk.fails('{:op :publish :branch "b"}', made, message=message) == "files.message"


def test_only_what_leaves_the_run_is_an_effect(desk: Desk) -> None:
    effects = {op: files.SPEC.effect_of({"op": keyword(op)}) for op in files.OPERATIONS}
    assert {op for op, effect in effects.items() if effect != "read"} == {"publish", "open-change-request"}
    made = desk.do('{:op :write-file :path "new" :content "x"}', desk.begun())
    desk.world.cancel.ask()
    assert desk.fails('{:op :publish :branch "b" :message "m"}', made) == "step.cancelled"
    assert desk.world.files.branches == {"main": THREE}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{:op :read}", "missing_config_key"),
        ("{:op :publish}", "missing_config_key"),
        ('{:op :delete-file :path "a"}', "missing_config_key"),
        ("{:op :clone}", "config_choice"),
        ('{:op :resolve-source :source {:type :git :repo "https://example.com/x.git"}}', "files.repo"),
        ('{:op :resolve-source :source {:type :git :ref "gone"}}', "git.unknown_revision"),
        ('{:op :list :source {:type :source-tree-ref :commit "gone"}}', "git.unknown_revision"),
        ('{:op :list :source {:commit "x"}}', "files.source"),
        ('{:op :list :changeset {:type :changeset-ref :uri "x"}}', "res.malformed"),
        ('{:op :list :path "../etc"}', "files.path"),
        ('{:op :search :query ""}', "files.pattern"),
        ('{:op :search :query "a\\nb"}', "files.pattern"),
        ("{:op :list :limit 1001}", "config_type"),
    ],
)
def test_a_wrong_call_is_told(config: str, code: str) -> None:
    assert failure(files.STEP, config, World().context()).code == code


def test_a_forged_changeset_is_read_as_strictly_as_any_data(desk: Desk) -> None:
    ref = desk.world.blobs.put(b"x", "text/plain").sha256
    rows = {
        "{:base 1 :files []}": "files.changeset",
        "(((": "files.changeset",
        f'{{:base "{THREE}" :files [{{:path ".git/config" :deleted? true}}]}}': "files.path",
        f'{{:base "{THREE}" :files [{{:path "a"}}]}}': "files.changeset",
        f'{{:base "{THREE}" :files [{{:path "a" :sha256 "{ref}" :size 9}}]}}': "files.changeset",
        f'{{:base "{THREE}" :files [{{:path "a" :sha256 "{ref}" :size 99999999}}]}}': "files.changeset",
        f'{{:base "{THREE}" :files [{{:path "a" :sha256 "{"0" * 64}" :size 1}}]}}': "res.unknown",
        f'{{:base "{"9" * 40}" :files []}}': "git.unknown_revision",
    }
    for listed, code in rows.items():
        put = desk.world.blobs.put(listed.encode(), "application/edn")
        handle = edn(f'{{:type :changeset-ref :uri "{put.uri}"}}')
        assert desk.fails("{:op :diff}", handle) == code, listed


class MaskingBlobs(MemoryBlobs):
    """What the runner's store does with a secret."""

    def put(self, data: bytes, media_type: str) -> BlobRef:
        return super().put(data.replace(b"hunter2-secret", b"***"), media_type)


def test_a_file_with_a_secret_is_not_written(desk: Desk) -> None:
    desk.world.blobs = MaskingBlobs()
    begun = desk.begun()
    assert desk.fails('{:op :write-file :path "x" :content "key = hunter2-secret"}', begun) == "files.secret"


@pytest.mark.parametrize(
    "entry",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "a"},
        {"type": tarfile.CHRTYPE},
        {"name": "../out"},
        {"name": "/abs"},
        {"name": ".git/config"},
        {"size": 1 << 40},
    ],
)
def test_a_hostile_archive_is_refused(desk: Desk, entry: dict[str, object]) -> None:
    info = tarfile.TarInfo("a")
    for name, value in entry.items():
        setattr(info, name, value)
    put = desk.world.blobs.put(info.tobuf() + bytes(1024), "application/x-tar")
    assert desk.fails("{:op :capture}", desk.begun(), archive=put.uri) in ("files.archive", "files.path")


def test_what_is_no_archive_is_refused(desk: Desk) -> None:
    for data in (b"", b"x" * 5_000, b"\x1f\x8b" + bytes(600), tarred({"a": b"1"})[:300]):
        put = desk.world.blobs.put(data, "application/x-tar")
        assert desk.fails("{:op :capture}", desk.begun(), archive=put.uri) == "files.archive"


def tarred(contents: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for path, data in contents.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        ('{:op :publish :changeset (flow/input) :message "m"}', [":branch"]),
        ('{:op :move-file :path "a"}', [":changeset", ":to"]),
        ("{:op (:op (flow/input))}", []),
        ("{:op :list}", []),
    ],
)
def test_the_linter_knows_what_each_operation_needs(call: str, missing: list[str]) -> None:
    flow = f"""{{:slug :f :name "F" :concurrency {{:type :singleton :on-new-version :coexist}}
      :interfaces {{:manual [{{:id :start :invocation :default :label "Go"}}]}}
      :invocations {{:default {{:inputs []}}}}
      :flow '(let [a (flow/step :files :a {call})] a)}}"""
    found = lint(MemoryTexts({"f.edn": flow}), "f", {"files": files.SPEC}, HOST_NAMES)
    assert [each.code for each in found] == ["missing_step_config"] * len(missing)
    assert all(name in each.message for name, each in zip(missing, found, strict=True))


def test_the_example_runs() -> None:
    assert at(run(files.STEP, files.SPEC.example, World().context()), "count") == 0
