"""Which store large values lie in: files beside Git, a folder of this machine's, or the team's bucket."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.connections.file import PATH as CONNECTIONS
from gitflow_runner.errors import StepError
from gitflow_runner.ledger.bucket import BucketStore
from gitflow_runner.ledger.store import ValueStore
from gitflow_runner.model.connection import ANY_FLOW
from gitflow_runner.net.s3 import Bucket, BucketSite
from gitflow_runner.net.sigv4 import AwsKey
from gitflow_runner.runner.code import protected_configuration
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.opener import Opener
from gitflow_runner.runner.runtime import LOCAL_STORE, Runtime
from gitflow_runner.runner.settings import ResourceSettings


def open_store(runtime: Runtime) -> ValueStore:
    """The store: where `gitflow.resources` says, else in the bucket of `config.yaml`, else beside Git.

    The bucket is the protected branch's, whatever a draft says. Nothing is asked of it before it is needed.
    `UsageError` (`res.folder`, `config.*`, `connections.*`).
    """
    if runtime.resources:
        return runtime.folder
    configured = protected_configuration(runtime)
    named = configured.settings.resources
    if named is None:
        return runtime.folder
    return BucketStore(runtime.folder, lambda: _bucket(runtime, configured, named))


def is_lonely(runtime: Runtime, store: ValueStore) -> bool:
    """Whether runs are shared while large values are not, and nobody said that this is meant."""
    return runtime.remote is not None and not store.is_shared and runtime.resources != LOCAL_STORE


def _bucket(runtime: Runtime, configured: Configured, named: ResourceSettings) -> Bucket:
    """The bucket and its key; `StepError` (`res.bucket_settings`, `connection.refused`, `secret.*`)."""
    connection = configured.connections.get(named.connection)
    if connection is None:
        raise _unfit(f"resources.connection names {named.connection}, which is not in {CONNECTIONS}")
    settings = connection.settings
    wanted = ("http-api", "aws-sigv4", "s3")
    if (connection.type, connection.auth, settings.get("service")) != wanted or connection.base_url is None:
        raise _unfit(f"connection {connection.name} is not signed for S3")
    found = Opener(runtime.secrets, ANY_FLOW, "live").connection(connection)
    id = str(settings.get("access-key-id") or found.secrets.get("access-key-id") or "")
    if not id:
        raise _unfit(f"connection {connection.name} has no access-key-id")
    site = BucketSite(
        connection.base_url.rstrip("/"),
        named.prefix,
        str(settings["region"]),
        AwsKey(id, found.secrets["secret-access-key"], found.secrets.get("session-token")),
        found.origins,
    )
    http = runtime.http(configured.settings.http)
    return Bucket(site, http, _Stop(runtime), runtime.clock.now_ms)


def _unfit(message: str) -> StepError:
    return StepError(
        "res.bucket_settings",
        message,
        hint="on the protected branch: type http-api, a base-url that leads to the bucket, auth of type"
        " aws-sigv4 with region, service s3, and under secrets the names of access-key-id and"
        " secret-access-key",
    )


@dataclass(frozen=True, slots=True)
class _Stop:
    """An exchange ends when the process is to end; its own time is bounded by its size."""

    runtime: Runtime

    def asked(self) -> bool:
        return self.runtime.stop()
