"""What the language leaves out on purpose: the code of each refusal, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name may not be used."""

    code: str
    hint: str


def _all(code: str, hint: str, names: str) -> dict[str, Refusal]:
    return dict.fromkeys(names.split(), Refusal(code, hint))


FORBIDDEN: dict[str, Refusal] = {
    **_all(
        "form_forbidden",
        "code is data of the release; use clojure.edn/read-string for data",
        "eval load-string load-file load read-string read resolve ns-resolve requiring-resolve find-var ns "
        "in-ns require import use refer alias macroexpand macroexpand-1 the-ns all-ns create-ns intern "
        "defonce with-redefs extend extend-type extend-protocol",
    ),
    **_all(
        "form_forbidden",
        "plain collections are persistent; build them with into, assoc, reduce",
        "transient persistent! conj! assoc! dissoc! disj! pop! into-array make-array aset aget alength "
        "object-array int-array long-array double-array to-array amap areduce",
    ),
    **_all(
        "definition_forbidden",
        "put helpers in let or letfn, or into another :functions entry",
        "def defn defn- defmacro defmulti defmethod defprotocol deftype defrecord definterface reify proxy "
        "gen-class binding var with-bindings set! monitor-enter declare with-local-vars var-get var-set "
        "alter-var-root bound-fn",
    ),
    **_all(
        "state_forbidden",
        "use loop or reduce; parallel work goes through fanout",
        "atom swap! reset! swap-vals! reset-vals! compare-and-set! volatile! vswap! vreset! ref dosync alter "
        "commute ref-set ensure agent send send-off await future future-call promise deliver delay force "
        "pmap pcalls pvalues locking add-watch remove-watch deref clojure.core/deref realized? memoize "
        "with-open seque",
    ),
    **_all(
        "nondeterministic",
        "use flow/now-ms, an input, or a step whose result is recorded",
        "rand rand-int rand-nth shuffle random-uuid random-sample gensym System/currentTimeMillis "
        "System/nanoTime Math/random java.time.Instant/now Instant/now java.util.Date. Date. "
        "java.util.UUID/randomUUID UUID/randomUUID java.time.LocalDate/now LocalDate/now "
        "java.time.LocalDateTime/now LocalDateTime/now java.time.ZonedDateTime/now time inst-now hash "
        "System/getenv System/getProperty",
    ),
    **_all(
        "interop_forbidden",
        "use a predicate such as string?, number?, map? or inst?",
        "class type instance? cast bases supers isa? derive",
    ),
    **_all(
        "io_forbidden",
        "return the value; for notes use a step's :title",
        "slurp spit println print prn pr newline printf flush read-line file-seq line-seq *out* *in* *err* "
        "tap> with-out-str with-in-str pprint clojure.pprint/pprint Thread/sleep",
    ),
}

TRANSFORMS = frozenset(
    ("map", "filter", "reduce", "mapv", "filterv", "mapcat", "keep", "keep-indexed", "remove")
)
TRANSFORM_REFUSAL = Refusal(
    "prohibited_orchestration_transform",
    "move the transform into a :functions entry and call it with a :function step",
)
THREADING_REFUSAL = Refusal("unsupported_visual_flow_form", "use let, or -> which the visual editor can draw")
SANDBOX_REFUSAL = Refusal("function_only", "this belongs into a :functions entry, called by a :function step")
INTEROP = Refusal("interop_forbidden", "there is no Java here; use the function of the library")

_NOW = FORBIDDEN["Instant/now"]
_BASE64 = "Base64 has getEncoder, getUrlEncoder, getDecoder and getUrlDecoder"
_DATES = (
    "there are LocalDate, LocalTime, LocalDateTime, ZonedDateTime, OffsetDateTime, Instant, Duration, "
    "Period, ChronoUnit, DateTimeFormatter, TemporalAdjusters and breyta.sandbox, with their usual methods"
)
_CALENDAR = (
    *("ChronoUnit", "DateTimeFormatter", "DayOfWeek", "Duration", "Instant", "LocalDate", "LocalDateTime"),
    *(
        "LocalTime",
        "Month",
        "OffsetDateTime",
        "OffsetTime",
        "Period",
        "SimpleDateFormat",
        "TemporalAdjusters",
    ),
    *("WeekFields", "IsoFields", "ChronoField", "Year", "YearMonth", "ZoneId", "ZoneOffset", "ZonedDateTime"),
)
_INSTEAD = {
    ".add": "use conj, or + for numbers",
    ".addAll": "use into",
    ".containsKey": "use contains?",
    ".entrySet": "use seq",
    ".format": "use format for text; (.format date formatter) for dates",
    ".get": "use get",
    ".getCause": "use ex-cause",
    ".getClass": "use a predicate such as string?, number? or map?",
    ".getData": "use ex-data",
    ".getKey": "use key",
    ".getOrDefault": "use get with a default",
    ".getValue": "use val",
    ".hashCode": "use breyta.sandbox/sha256-hex over pr-str",
    ".join": "use clojure.string/join",
    ".keySet": "use keys",
    ".printStackTrace": "use ex-message and ex-data",
    ".put": "use assoc",
    ".remove": "use dissoc, disj or remove",
    ".replaceAll": "use clojure.string/replace with a pattern",
    ".replaceFirst": "use clojure.string/replace-first",
    ".size": "use count",
    ".split": "use clojure.string/split",
    ".stream": "use map, filter and reduce",
    ".toCharArray": "use seq",
    ".values": "use vals",
    "ArrayList.": "use [] and conj",
    "Arrays/asList": "use vector",
    "Collections": "use sort, reverse, max-key and the like",
    "HashMap.": "use {} and assoc",
    "HashSet.": "use #{} and conj",
    "Objects/equals": "use =",
    "String/join": "use clojure.string/join",
    "StringBuilder.": "use str, or clojure.string/join over a sequence",
    "StringUtils": "use clojure.string",
    "URLDecoder": "use breyta.sandbox/url-decode",
    "URLEncoder": "use breyta.sandbox/url-encode",
    "MessageDigest": "use breyta.sandbox/sha256-hex",
    "Mac": "use breyta.sandbox/hmac-sha256-hex",
    "Base64": _BASE64,
    "Locale": "names are English: Locale/ENGLISH or Locale/US",
    "StandardCharsets": "there are UTF_8, US_ASCII and ISO_8859_1",
    **dict.fromkeys(_CALENDAR, _DATES),
}


def java_of(text: str) -> Refusal | None:
    """The refusal of a name that only Java could mean, with what the library has instead; None for others.

    `.method`, `Class.`, `Class/member`, each class with its package or without, and `package.Class`.
    """
    holder, slash, member = text.partition("/")
    last = holder.rstrip(".").rsplit(".", 1)[-1]
    if last == "Clock" or (member == "now" and last in _CALENDAR):
        return _NOW
    if text[:1] == ".":
        found = _INSTEAD.get(text)
    elif text[-1:] == ".":
        found = _INSTEAD.get(f"{last}.") or _INSTEAD.get(last)
    elif last[:1].isupper() and (slash or "." in holder):
        found = _INSTEAD.get(f"{last}/{member}") or _INSTEAD.get(last)
    elif not slash and "." in holder:
        found = None
    else:
        return None
    return INTEROP if found is None else Refusal(INTEROP.code, found)
