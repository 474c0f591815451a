"""The sandboxed Clojure of flows: text to forms to closures, over plain values.

Pure: no clock, randomness, environment, file or network is reachable from here. The usual way in:

* `reader.read_one(text, file=...)` gives a `Form` with spans; `data.read_data(text)` plain values, fast.
* `analyzer.analyze(form, environment, host)` gives a `Compiled`; `Compiled.run(binding, limits)` a value.
* `session.compile_function`, `session.call` and `session.evaluate` do both for functions and one-liners.
* `printer.write` (one line, keeps order), `printer.canonical` (sorted, for hashes), `printer.pretty`.

Deliberate errors are `LangError` with `at`; what user code throws is `throwing.FlowThrow`.
"""
