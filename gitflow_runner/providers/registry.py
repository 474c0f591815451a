"""The backends by name: which format they speak, where they live, how they are told who asks.

A format's module is imported when a backend that speaks it is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from gitflow_runner.errors import StepError
from gitflow_runner.providers.base import MESSAGES_VERSION, Asked, Target, Wire

UNKNOWN = "openai-compatible"  # what nothing is known of but the format that most speak
CHAT, RESPONSES, MESSAGES, GEMINI = "openai_chat", "openai_responses", "anthropic", "gemini"


@dataclass(frozen=True, slots=True)
class Backend:
    """A provider: the module of its format, its base URL if there is one for all, the header of its key."""

    format: str
    base_url: str | None = None
    key_header: str = "Authorization"
    needs_model: bool = True


BACKENDS: Mapping[str, Backend] = {
    "openai": Backend(RESPONSES, "https://api.openai.com/v1"),
    "anthropic": Backend(MESSAGES, "https://api.anthropic.com", "x-api-key"),
    "azure-openai": Backend(RESPONSES, None, "api-key"),
    "ollama": Backend(CHAT, "http://127.0.0.1:11434/v1"),
    "google": Backend(GEMINI, "https://generativelanguage.googleapis.com/v1beta", "x-goog-api-key"),
    "google-ai": Backend(GEMINI, "https://generativelanguage.googleapis.com/v1beta", "x-goog-api-key"),
    "groq": Backend(CHAT, "https://api.groq.com/openai/v1"),
    "together": Backend(CHAT, "https://api.together.xyz/v1"),
    "fireworks": Backend(CHAT, "https://api.fireworks.ai/inference/v1"),
    "openrouter": Backend(CHAT, "https://openrouter.ai/api/v1"),
    "mistral": Backend(CHAT, "https://api.mistral.ai/v1"),
    UNKNOWN: Backend(CHAT, needs_model=False),
    "mock": Backend(CHAT, "mock://model", needs_model=False),
}
NOT_YET = {"bedrock": "use :openai-compatible with the /openai/v1 address of its runtime and an API key"}
NAMES = (*BACKENDS, *NOT_YET)

_HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google-ai",
    "aiplatform.googleapis.com": "google",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "openrouter.ai": "openrouter",
    "api.mistral.ai": "mistral",
    "openai.azure.com": "azure-openai",
    "services.ai.azure.com": "azure-openai",
}
_OLLAMA_PORT = 11_434


def backend(name: str) -> Backend:
    """The backend of that name; `StepError` (`llm.provider_unknown`, `llm.provider_unsupported`)."""
    if name in NOT_YET:
        raise StepError("llm.provider_unsupported", f"{name} is not spoken to yet", hint=NOT_YET[name])
    found = BACKENDS.get(name)
    if found is None:
        known = ", ".join(NAMES)
        raise StepError("llm.provider_unknown", f"there is no provider {name[:64]!r}", hint=f"known: {known}")
    return found


def listing(name: str, target: Target) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Path and headers that ask a backend for the list of its models; `StepError` as `backend`."""
    if backend(name).format == MESSAGES:
        return "/v1/models", (("anthropic-version", target.api_version or MESSAGES_VERSION),)
    return ("/openai/v1/models" if name == "azure-openai" else "/models"), ()


def guess(base_url: str) -> str:
    """The backend that most likely lives at this address; `openai-compatible` if none is known there."""
    try:
        parts = urlsplit(base_url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return UNKNOWN
    if port == _OLLAMA_PORT:
        return "ollama"
    for known, name in _HOSTS.items():
        if host == known or host.endswith(("." + known, "-" + known)):
            return name
    return UNKNOWN


def wire_for(name: str, asked: Asked, target: Target) -> Wire:
    """The format in which this is asked of a backend.

    OpenAI's newer format has no place for stop texts, seeds and penalties; a call with one of them goes
    by the older one. So does a deployment of Azure under a dated version of its interface.
    """
    chosen = backend(name).format
    if chosen == RESPONSES:
        older = asked.stop or asked.seed is not None
        older = older or asked.presence_penalty is not None or asked.frequency_penalty is not None
        dated = target.api_version is not None and target.deployment is not None
        if (older or dated) and asked.previous is None:
            chosen = CHAT
    module = importlib.import_module(f"gitflow_runner.providers.{chosen}")
    return cast(Wire, module.WIRE)
