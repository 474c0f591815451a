"""What analysed code consists of: a closed set of nodes with slots resolved and arities checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.values import Keyword, Value


@dataclass(slots=True)
class Const:
    """A value."""

    value: Value


@dataclass(slots=True)
class Local:
    """What lies in a slot of the frame."""

    slot: int


@dataclass(slots=True)
class Library:
    """A function of the library as a value."""

    builtin: Builtin


@dataclass(slots=True)
class If:
    """A branch. `meta` is what was written on it, for an observer."""

    test: Node
    then: Node
    other: Node
    meta: Map | None = None


@dataclass(slots=True)
class And:
    """The first false value, else the last."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Or:
    """The first true value, else the last."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Do:
    """All in turn; the value of the last."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class Let:
    """Slots filled in turn, then the body."""

    pairs: tuple[tuple[int, Node], ...]
    body: Node


@dataclass(slots=True)
class Loop:
    """As Let, the body again on `recur`. `rebind` destructures anew on each turn."""

    pairs: tuple[tuple[int, Node], ...]
    body: Node


@dataclass(slots=True)
class Recur:
    """New values for the slots of the loop or function around."""

    slots: tuple[int, ...]
    args: tuple[Node, ...]
    form: Form


@dataclass(slots=True)
class Arity:
    """One parameter list of a function: the frame it needs, and what it captures into it."""

    params: int
    variadic: bool
    size: int
    captures: tuple[tuple[int, int], ...]  # slot of the frame around, slot of this frame
    self_slot: int | None
    body: Node
    recurs: bool


@dataclass(slots=True)
class Fn:
    """A function value in the making."""

    name: str
    arities: tuple[Arity, ...]


@dataclass(slots=True)
class Letfn:
    """Functions that see each other."""

    pairs: tuple[tuple[int, Fn], ...]
    body: Node


@dataclass(slots=True)
class Lazy:
    """A sequence that is made when it is looked at."""

    thunk: Fn


@dataclass(slots=True)
class Invoke:
    """A call of whatever the first node gives."""

    function: Node
    args: tuple[Node, ...]
    form: Form


@dataclass(slots=True)
class LibraryCall:
    """A call of a known function of the library."""

    builtin: Builtin
    args: tuple[Node, ...]
    form: Form


@dataclass(slots=True)
class KeywordCall:
    """`(:key target default)`."""

    key: Keyword
    target: Node
    default: Node | None
    form: Form


@dataclass(slots=True)
class HostCall:
    """A call of a name of the embedder."""

    name: str
    args: tuple[Node, ...]
    form: Form


@dataclass(slots=True)
class Throw:
    """Throw an exception value."""

    value: Node
    form: Form


@dataclass(slots=True)
class Catch:
    """Which exceptions (full class name, or None for any), and what to do with the value."""

    cls: str | None
    slot: int
    body: Node


@dataclass(slots=True)
class Try:
    """A body with its catches and what is done in the end."""

    body: Node
    catches: tuple[Catch, ...]
    final: Node | None


@dataclass(slots=True)
class Case:
    """A branch by constant; keys are encoded."""

    test: Node
    table: dict[Value, Node]
    default: Node | None
    form: Form


@dataclass(slots=True)
class VectorOf:
    """A vector literal."""

    items: tuple[Node, ...]


@dataclass(slots=True)
class SetOf:
    """A set literal."""

    items: tuple[Node, ...]
    form: Form


@dataclass(slots=True)
class MapOf:
    """A map literal."""

    pairs: tuple[tuple[Node, Node], ...]
    form: Form


@dataclass(slots=True)
class Each:
    """`x coll`: what follows once for each element."""

    slot: int
    pairs: tuple[tuple[int, Node], ...]
    items: Node
    form: Form


@dataclass(slots=True)
class Where:
    """`:let` (pairs), `:when` or `:while` (a test)."""

    kind: str
    pairs: tuple[tuple[int, Node], ...]
    test: Node | None


@dataclass(slots=True)
class Comprehension:
    """`for` ("vector" or "lazy") and `doseq` ("nothing")."""

    steps: tuple[Each | Where, ...]
    body: Node
    result: str


Node: TypeAlias = (
    Const
    | Local
    | Library
    | If
    | And
    | Or
    | Do
    | Let
    | Loop
    | Recur
    | Fn
    | Letfn
    | Lazy
    | Invoke
    | LibraryCall
    | KeywordCall
    | HostCall
    | Throw
    | Try
    | Case
    | VectorOf
    | SetOf
    | MapOf
    | Comprehension
)

NIL = Const(None)
