"""Includes: what they stand for, where their parts come from, and every way in which they are refused."""

import pytest

from gitflow_runner.catalog.includes import INVALID, expand
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.catalog.syntax import elements, get, place
from gitflow_runner.errors import GitflowError, LangError
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.printer import write


def expanded(root: str, **files: str) -> str:
    texts = MemoryTexts(
        {"a.edn": root, **{name.replace("__", "/") + ".clj": text for name, text in files.items()}}
    )
    return write(value_of(expand(texts, "a.edn").form))


def refusal(root: str, **files: str) -> GitflowError:
    with pytest.raises(GitflowError) as refused:
        expanded(root, **files)
    return refused.value


def test_an_include_stands_for_a_value() -> None:
    assert expanded('{:code #flow/include "f.clj" :b 2}', f="(fn [x] x)\n") == "{:code (fn [x] x), :b 2}"


def test_an_include_in_a_vector_may_hold_many_forms_or_none() -> None:
    assert expanded('[1 #flow/include "f.clj" 2]', f="{:a 1} {:b 2} ; last") == "[1 {:a 1} {:b 2} 2]"
    assert expanded('[1 #flow/include "f.clj" 2]', f="; nothing") == "[1 2]"


def test_a_value_must_be_one_form() -> None:
    assert refusal('{:a #flow/include "f.clj"}', f="1 2").code == INVALID
    assert refusal('{:a #flow/include "f.clj"}', f="").code == INVALID


def test_includes_nest_relative_to_the_file_that_names_them() -> None:
    root = '{:a #flow/include "lib/f.clj"}'
    assert expanded(root, lib__f='[#flow/include "g.clj"]', lib__g="7") == "{:a [7]}"
    assert expanded(root, lib__f='[#flow/include "../g.clj"]', g="8") == "{:a [8]}"


def test_each_part_knows_its_own_file() -> None:
    texts = MemoryTexts(
        {"a.edn": '{:x 1\n :code #flow/include "lib/f.clj"}', "lib/f.clj": "\n\n  [10\n   20]"}
    )
    code = get(expand(texts, "a.edn").form, "code")
    assert code is not None
    at = place(elements(code)[1])
    assert (at.file, at.line, at.col) == (".breyta/flows/lib/f.clj", 4, 4)


def test_the_closure_lists_each_file_once_with_the_root_first() -> None:
    texts = MemoryTexts({"a.edn": '[#flow/include "z.clj" #flow/include "b.clj" #flow/include "z.clj"]',
                         "z.clj": "1", "b.clj": "2", "unused.clj": "3"})  # fmt: skip
    assert [file.path for file in expand(texts, "a.edn").files] == ["a.edn", "z.clj", "b.clj"]


@pytest.mark.parametrize(
    "aside",
    [
        '"#flow/include \\"f.clj\\""',
        '#_ #flow/include "f.clj" 1',
        '1 ; #flow/include "f.clj"\n',
        '#?(:cljs #flow/include "f.clj" :default 1)',
    ],
)
def test_what_is_not_read_is_not_included(aside: str) -> None:
    texts = MemoryTexts({"a.edn": "[" + aside + "]"})
    assert [file.path for file in expand(texts, "a.edn").files] == ["a.edn"]


def test_a_circle_is_refused_with_its_chain() -> None:
    found = refusal('[#flow/include "f.clj"]', f='[#flow/include "g.clj"]', g='\n [#flow/include "f.clj"]')
    assert found.code == INVALID
    assert "f.clj -> g.clj -> f.clj" in found.message
    assert found.at is not None
    assert (found.at.file, found.at.line, found.at.col) == (".breyta/flows/g.clj", 2, 3)


def test_a_file_that_includes_itself_is_a_circle() -> None:
    assert "a.edn -> a.edn" in refusal('[#flow/include "a.edn"]').message


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret.clj",
        "lib/../../x.clj",
        "..",
        ".",
        "C:/x.clj",
        "a\\\\b.clj",
        "file:x",
        "",
        " ",
        "x\\u0000.clj",
    ],
)
def test_a_path_that_leaves_the_folder_or_could_mean_two_things_is_refused(path: str) -> None:
    assert refusal(f'[#flow/include "{path}"]').code == INVALID


def test_a_path_is_a_string_and_nothing_else() -> None:
    for written in ("[#flow/include f]", "[#flow/include [1]]", '[#flow/include (str "f.clj")]'):
        assert refusal(written).code == INVALID


def test_an_include_is_no_key_and_no_element_of_a_set() -> None:
    assert refusal('{#flow/include "f.clj" 1}', f=":a").code == INVALID
    assert refusal('#{#flow/include "f.clj"}', f=":a").code == INVALID


def test_a_missing_file_names_one_of_the_same_name() -> None:
    found = refusal('[#flow/include "f.clj"]', lib__f="1")
    assert (found.code, found.hint) == (INVALID, "did you mean lib/f.clj?")


def test_an_error_in_an_included_file_is_reported_there() -> None:
    found = refusal('[#flow/include "f.clj"]', f="(fn [x]\n  (")
    assert isinstance(found, LangError)
    assert found.at is not None
    assert found.at.file == ".breyta/flows/f.clj"


def test_files_that_multiply_each_other_are_stopped() -> None:
    files = {f"f{n}": "[" + 8 * f'#flow/include "f{n + 1}.clj" ' + "]" for n in range(12)}
    assert refusal('[#flow/include "f0.clj"]', **files, f12="1").code == "closure.size"


def test_nesting_counts_through_includes() -> None:
    files = {f"f{n}": "[" * 40 + f'#flow/include "f{n + 1}.clj"' + "]" * 40 for n in range(6)}
    assert refusal('[#flow/include "f0.clj"]', **files, f6="1").code == "closure.size"


def test_a_file_must_be_utf8() -> None:
    with pytest.raises(LangError) as refused:
        expand(MemoryTexts({"a.edn": b'{:a 1\n :b "\xff"}'}), "a.edn")
    assert refused.value.code == "encoding_invalid"
    assert refused.value.at is not None
    assert refused.value.at.line == 2


def test_a_file_holds_one_form() -> None:
    found = refusal("{:a 1}\n{:b 2}")
    assert found.code == "clojure_reader_invalid"
    assert found.at is not None
    assert found.at.line == 2
    assert refusal("; nothing").code == "clojure_reader_invalid"
