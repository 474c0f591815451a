"""The Java that functions may use: dates, amounts of time, base64, decimals; they answer as Java does."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.printer import readable, write
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.throwing import FlowThrow
from tests.java_answers import java_answers

DATE = '(LocalDate/parse "2026-01-31")'


@pytest.mark.parametrize(("expression", "answer"), java_answers())
def test_it_answers_as_java_does(expression: str, answer: str) -> None:
    assert readable(evaluate(expression)) == answer


@pytest.mark.parametrize(
    "made",
    [
        DATE,
        f"[{{:day {DATE}}}]",
        "ChronoUnit/DAYS",
        "(Duration/ofDays 1)",
        '(DateTimeFormatter/ofPattern "yyyy")',
        "(java.util.Base64/getDecoder)",
    ],
)
def test_a_value_of_java_stays_in_its_function(made: str) -> None:
    with pytest.raises(LangError, match=r"cannot be stored") as caught:
        write(evaluate(made))
    assert (caught.value.code, "(str date)" in (caught.value.hint or "")) == ("not_data", True)


def test_a_value_of_java_is_seen_by_its_text_where_it_is_printed() -> None:
    assert evaluate(f"(pr-str [{DATE} (Duration/ofDays 1)])") == (
        '[#object[java.time.LocalDate "2026-01-31"] #object[java.time.Duration "PT24H"]]'
    )


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ('(ZoneId/of "Europe/Berlin")', "an offset such as +02:00"),
        ('(DateTimeFormatter/ofPattern "YYYY-ww")', "the letters are y u"),
        ('(LocalDate/parse "2026" DateTimeFormatter/ISO_INSTANT)', "Instant/parse"),
        ('(.getYear "2026")', "a method of LocalDate, LocalDateTime, OffsetDateTime, ZonedDateTime"),
        ('(.format "%d" 1)', "use format for text"),
        ("(.getValue (first {:a 1}))", "use val"),
        ('(.getBytes "a" "UTF-16")', "UTF-8, US-ASCII and ISO-8859-1"),
    ],
)
def test_what_java_has_and_we_have_not_is_no_exception_to_catch(expression: str, hint: str) -> None:
    with pytest.raises(LangError) as caught:
        evaluate(f"(try {expression} (catch Throwable e :caught))")
    assert (caught.value.code, hint in (caught.value.hint or "")) == ("interop_forbidden", True)
    assert caught.value.at is not None


@pytest.mark.parametrize(
    ("expression", "cls"),
    [
        ('(LocalDate/parse "soon")', "java.time.format.DateTimeParseException"),
        ('(LocalDate/parse "0000-01-01")', "java.time.format.DateTimeParseException"),
        (f"(.plusYears {DATE} 9000)", "java.time.DateTimeException"),
        (f"(.plusMonths {DATE} 9223372036854775807)", "java.time.DateTimeException"),
        ('(.plusSeconds (Instant/parse "9999-12-31T23:59:59Z") 1)', "java.time.DateTimeException"),
        (f"(.until {DATE} {DATE} ChronoUnit/HOURS)", "java.time.temporal.UnsupportedTemporalTypeException"),
        ("(Duration/ofDays 9223372036854775807)", "java.lang.ArithmeticException"),
        (f'(.isBefore {DATE} "2026-02-01")', "java.lang.ClassCastException"),
        (f"(compare {DATE} (Duration/ofDays 1))", "java.lang.ClassCastException"),
        ("(.plus (Period/ofDays 1) 1 ChronoUnit/DAYS)", "java.lang.IllegalArgumentException"),
        (f"(.atTime {DATE} 1)", "java.lang.ClassCastException"),
        ("(.pow 123456789M 1000)", "java.lang.ArithmeticException"),
        ("(.setScale 1.5M 100000)", "java.lang.ArithmeticException"),
        ("(.add 1.5M 1)", "java.lang.ClassCastException"),
        (f"(json/write-str {DATE})", "java.lang.ClassCastException"),
    ],
)
def test_what_is_wrong_is_javas_exception(expression: str, cls: str) -> None:
    with pytest.raises(FlowThrow) as caught:
        evaluate(expression)
    assert caught.value.info.cls == cls


def test_long_patterns_and_texts_are_refused_and_none_is_slow() -> None:
    pattern = "[d]" * 60
    with pytest.raises(FlowThrow, match="DateTimeParseException"):
        evaluate(f'(LocalDate/parse "{"1" * 150}x" (DateTimeFormatter/ofPattern "{pattern}"))')
    with pytest.raises(FlowThrow, match="too long"):
        evaluate(f'(DateTimeFormatter/ofPattern "{"[d]" * 100}")')


def test_octets_cost_fuel_by_their_number() -> None:
    text = f'(count (.encodeToString (Base64/getEncoder) (.getBytes "{"a" * 64_000}")))'
    assert evaluate(text) == 85_336
    with pytest.raises(LangError, match="budget"):
        evaluate(text, limits=Limits(fuel=1_500))
