"""What user code can throw and catch, and the Java names of the exceptions that the library throws."""

from __future__ import annotations

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.values import ExInfo, JavaValue, Value

_JAVA = "java.lang."
_PARENTS = {
    "clojure.lang.ExceptionInfo": "java.lang.RuntimeException",
    "clojure.lang.ArityException": "java.lang.IllegalArgumentException",
    "java.lang.NumberFormatException": "java.lang.IllegalArgumentException",
    "java.lang.IllegalArgumentException": "java.lang.RuntimeException",
    "java.lang.IllegalStateException": "java.lang.RuntimeException",
    "java.lang.UnsupportedOperationException": "java.lang.RuntimeException",
    "java.lang.ArithmeticException": "java.lang.RuntimeException",
    "java.lang.ClassCastException": "java.lang.RuntimeException",
    "java.lang.NullPointerException": "java.lang.RuntimeException",
    "java.lang.IndexOutOfBoundsException": "java.lang.RuntimeException",
    "java.lang.StringIndexOutOfBoundsException": "java.lang.IndexOutOfBoundsException",
    "java.util.NoSuchElementException": "java.lang.RuntimeException",
    "java.util.regex.PatternSyntaxException": "java.lang.IllegalArgumentException",
    "java.time.DateTimeException": "java.lang.RuntimeException",
    "java.time.format.DateTimeParseException": "java.time.DateTimeException",
    "java.time.temporal.UnsupportedTemporalTypeException": "java.time.DateTimeException",
    "java.time.zone.ZoneRulesException": "java.time.DateTimeException",
    "java.util.IllegalFormatException": "java.lang.IllegalArgumentException",
    "java.util.IllegalFormatConversionException": "java.util.IllegalFormatException",
    "java.util.UnknownFormatConversionException": "java.util.IllegalFormatException",
    "java.util.MissingFormatArgumentException": "java.util.IllegalFormatException",
    "java.lang.RuntimeException": "java.lang.Exception",
    "java.io.UnsupportedEncodingException": "java.io.IOException",
    "java.io.IOException": "java.lang.Exception",
    "java.lang.AssertionError": "java.lang.Error",
    "java.lang.Error": "java.lang.Throwable",
    "java.lang.Exception": "java.lang.Throwable",
}
_SHORT = {full.rsplit(".", 1)[1]: full for full in (*_PARENTS, "java.lang.Throwable")}

TRACE_LIMIT = 20


class FlowThrow(Exception):
    """An exception value on its way: user code may catch it, and `trace` tells where it passed."""

    def __init__(self, info: ExInfo, at: Place | None = None) -> None:
        super().__init__(info.message)
        self.info = info
        self.at = at
        self.trace: list[Place] = []

    def __str__(self) -> str:
        return f"{self.info.cls.rsplit('.', 1)[1]}: {self.info.message}"


def class_name(text: str) -> str | None:
    """The full name of a known exception class, given in either spelling; None if it is not one."""
    if text in _PARENTS or text == "java.lang.Throwable":
        return text
    return _SHORT.get(text)


def is_a(name: str, ancestor: str) -> bool:
    """Whether the exception class `name` is `ancestor` or below it; both in full."""
    current: str | None = name
    while current is not None:
        if current == ancestor:
            return True
        current = _PARENTS.get(current)
    return False


def thrown(cls: str, message: str | None, data: Value = None) -> FlowThrow:
    """An exception of a Java class, named as people write it (`ArithmeticException`)."""
    return FlowThrow(ExInfo(message, data, None, _SHORT.get(cls, _JAVA + cls)))


def illegal(message: str) -> FlowThrow:
    """IllegalArgumentException."""
    return thrown("IllegalArgumentException", message)


def bad_cast(what: str, value: Value) -> FlowThrow:
    """ClassCastException: `what` was wanted, `value` came; for nil a NullPointerException."""
    cls = "NullPointerException" if value is None else "ClassCastException"
    return thrown(cls, f"{kind_of(value)} cannot be used as {what}")


def out_of_bounds(index: object, size: int | None = None) -> FlowThrow:
    """IndexOutOfBoundsException for an index into something of that size."""
    of = f" for length {size}" if size is not None else ""
    return thrown("IndexOutOfBoundsException", f"Index {index} out of bounds{of}")


def no_number(value: Value) -> FlowThrow:
    """What arithmetic throws on something that is not a number."""
    if value is None:
        return thrown("NullPointerException", "nil cannot be used as a number")
    return bad_cast("a number", value)


def kind_of(value: Value) -> str:
    """What a value is, in words for messages."""
    if isinstance(value, JavaValue):
        return f"a {type(value).__name__}"
    return _KINDS.get(type(value).__name__, type(value).__name__.lower())


_KINDS = {
    "NoneType": "nil",
    "bool": "a boolean",
    "int": "an integer",
    "BigInt": "an integer",
    "float": "a double",
    "Fraction": "a ratio",
    "Dec": "a decimal",
    "str": "a string",
    "Char": "a character",
    "Keyword": "a keyword",
    "Symbol": "a symbol",
    "Vec": "a vector",
    "MapEntry": "a map entry",
    "List": "a list",
    "ArraySeq": "a sequence",
    "Cons": "a sequence",
    "LazySeq": "a sequence",
    "IterSeq": "a sequence",
    "Map": "a map",
    "SortedMap": "a map",
    "Set": "a set",
    "SortedSet": "a set",
    "Function": "a function",
    "ExInfo": "an exception",
    "Regex": "a regex",
    "Instant": "an instant",
    "Uuid": "a uuid",
}


def too_large(message: str) -> LangError:
    """A value passed a cap of size or nesting; no user code catches this."""
    return LangError("size_exceeded", message, hint="keep less in one value, or work on it in parts")
