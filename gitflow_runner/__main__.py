"""`python -m gitflow_runner`: the same as the console script."""

from __future__ import annotations

from gitflow_runner.cli.main import main

if __name__ == "__main__":
    main()
