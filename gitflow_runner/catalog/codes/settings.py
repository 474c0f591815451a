"""Configuration, connections, secrets, installations and inputs: what people write down beside a flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

SETTINGS: Final[Mapping[str, Meaning]] = {
    "config.link": Meaning(
        "The file is, or lies behind, a symbolic link; a command would write to where that leads. "
        "Change it by hand.",
        "gfr doctor",
    ),
    "config.type": Meaning(
        "A setting of .breyta/config.yaml has a value of the wrong kind.",
        "gfr doctor",
    ),
    "config.unknown_key": Meaning(
        ".breyta/config.yaml has a setting that nothing reads; it may be misspelt.",
        "gfr doctor",
    ),
    "config.unreadable": Meaning(
        ".breyta/config.yaml cannot be read as YAML, or is too large.",
        "gfr doctor",
    ),
    "configure.missing": Meaning(
        "The flow lacks something that a run of it needs: a connection behind a slot, a secret, a setting.",
        "gfr configure check FLOW",
    ),
    "configure.set": Meaning(
        "A setting is slot.conn=NAME, slot.secret=NAME, activation.FIELD=VALUE or enabled=true. What "
        "else a connection has is written with it.",
        "gfr configure FLOW --set SLOT.conn=NAME",
    ),
    "configure.slot": Meaning(
        "The flow has no such slot, or no form that asks for such a field.",
        "gfr configure check FLOW",
    ),
    "configure.type": Meaning(
        "The slot takes a connection of another type.",
        "gfr connections ls",
    ),
    "connection.auth": Meaning(
        "The connection's kind of auth cannot be used in this way, or lacks a part.",
        "gfr connections ls",
    ),
    "connection.auth_refused": Meaning(
        "The service was reached and does not take the credentials of the connection.",
        "gfr secrets test NAME",
    ),
    "connection.backend": Meaning(
        "The connection does not say which kind of database it is.",
        "gfr connections show NAME",
    ),
    "connection.draft": Meaning(
        "A draft gets no connections and no secrets until somebody with the role for that has signed its "
        "commit: a draft is what anybody can push.",
        "git commit --amend -S",
    ),
    "connection.exists": Meaning(
        "Another connection has that name. It is replaced on purpose only.",
        "gfr connections show NAME",
    ),
    "connection.in_use": Meaning(
        "Flows, installations or open runs use the connection, so it stays in the file.",
        "gfr connections usages NAME",
    ),
    "connection.no_url": Meaning(
        "The connection has no base URL, so nothing says where its service is.",
        "gfr connections show NAME",
    ),
    "connection.refused": Meaning(
        "The step asks for something that its connection does not allow: another host, or an address of "
        "its own.",
        "gfr connections ls",
    ),
    "connection.type": Meaning(
        "The slot is bound to a connection of another kind than the step needs.",
        "gfr connections ls",
    ),
    "connection.unavailable": Meaning(
        "The service was reached and answered that it cannot serve just now.",
        "gfr connections test NAME",
    ),
    "connection.unbound": Meaning(
        "No connection is bound to the slot that the step names.",
        "gfr configure suggest FLOW",
    ),
    "connection.unknown": Meaning(
        "There is no connection of that name in .breyta/connections.yaml, where this run takes its "
        "configuration from.",
        "gfr connections ls",
    ),
    "connections.auth": Meaning(
        "A connection in .breyta/connections.yaml names a kind of auth that is none.",
        "gfr connections ls",
    ),
    "connections.choice": Meaning(
        "A value in .breyta/connections.yaml is not one of those allowed.",
        "gfr connections ls",
    ),
    "connections.edit": Meaning(
        ".breyta/connections.yaml is written in a way that no command can change safely. Change it by hand.",
        "gfr connections ls",
    ),
    "connections.malformed": Meaning(
        "A setting of a connection is KEY=VALUE, auth.KEY=VALUE or headers.NAME=VALUE.",
        "gfr connections create --help",
    ),
    "connections.missing": Meaning(
        "A connection in .breyta/connections.yaml lacks a part that its kind of auth needs.",
        "gfr connections ls",
    ),
    "connections.name": Meaning(
        "That cannot be the name of a connection.",
        "gfr connections ls",
    ),
    "connections.secret_role": Meaning(
        "The connection's kind of auth has no secret of that role.",
        "gfr connections create --help",
    ),
    "connections.secret_value": Meaning(
        "The value of a key in .breyta/connections.yaml looks like a secret. Files in Git hold names of "
        "secrets only. If it ever was one, change it.",
        "gfr secrets set NAME",
    ),
    "connections.type": Meaning(
        "A value in .breyta/connections.yaml is of the wrong kind.",
        "gfr connections ls",
    ),
    "connections.unknown_key": Meaning(
        "A connection in .breyta/connections.yaml has a key that nothing reads; it may be misspelt.",
        "gfr connections ls",
    ),
    "connections.unreadable": Meaning(
        ".breyta/connections.yaml cannot be read as YAML, or is too large.",
        "gfr connections ls",
    ),
    "connections.url": Meaning(
        "The base URL of a connection is not of the form https://host/path.",
        "gfr connections ls",
    ),
    "input.choice": Meaning(
        "The input takes one of the values that its field lists.",
        "gfr run --help",
    ),
    "input.key_missing": Meaning(
        "The flow is keyed by :concurrency, and the input has nothing at its :key-field. Every start has "
        "to give it, since runs are counted by it.",
        "gfr run --help",
    ),
    "input.key_too_large": Meaning(
        "The value that runs are counted by takes more than 1 KB. Give an id.",
        "gfr run --help",
    ),
    "input.malformed": Meaning(
        "Inputs are given as name=value or as one map in EDN or JSON.",
        "gfr run --help",
    ),
    "input.missing": Meaning(
        "The flow needs this input and it was not given; it has no default.",
        "gfr run --help",
    ),
    "input.secret": Meaning(
        "An input of this type takes the name of a secret. Its value would stand in the run's history for "
        "ever.",
        "gfr secrets set NAME",
    ),
    "input.too_large": Meaning(
        "The input is larger than a run takes. Store it, and hand its reference over.",
        "gfr run --help",
    ),
    "input.type": Meaning(
        "The input is of another type than its field says.",
        "gfr run --help",
    ),
    "installation.binding": Meaning(
        "A binding in the installation names neither a connection nor a secret, or both.",
        "gfr configure check FLOW",
    ),
    "installation.disabled": Meaning(
        "The installation says enabled: false, so nothing starts from it.",
        "gfr configure check FLOW",
    ),
    "installation.edit": Meaning(
        "The installation's file is written in a way that no command can change safely. Change it by hand.",
        "gfr configure check FLOW",
    ),
    "installation.flow": Meaning(
        "The installation is one of another flow.",
        "gfr configure check FLOW",
    ),
    "installation.missing": Meaning(
        "The installation lacks a part that it has to have.",
        "gfr configure check FLOW",
    ),
    "installation.secret_value": Meaning(
        "A value in the installation looks like a secret. Files in Git hold names of secrets only.",
        "gfr secrets set NAME",
    ),
    "installation.type": Meaning(
        "A value in the installation is of the wrong kind.",
        "gfr configure check FLOW",
    ),
    "installation.unknown": Meaning(
        "There is no installation of that name where this run takes its configuration from.",
        "gfr configure check FLOW",
    ),
    "installation.unknown_key": Meaning(
        "The installation has a key that nothing reads; it may be misspelt.",
        "gfr configure check FLOW",
    ),
    "installation.unreadable": Meaning(
        "The installation cannot be read as YAML, or is too large.",
        "gfr configure check FLOW",
    ),
    "origin.malformed": Meaning(
        "An origin is scheme://host:port; the port of a known scheme may be left out.",
        "gfr secrets set --help",
    ),
    "secret.age": Meaning(
        "The encrypted file of secrets cannot be opened with the identity that is set, or pyrage is not "
        "installed.",
        "git config gitflow.ageIdentity FILE",
    ),
    "secret.command": Meaning(
        "The command that fetches the secret gave no value. Run it by hand to see what it says.",
        "gfr secrets test NAME",
    ),
    "secret.dotenv": Meaning(
        "The .env file is tracked by Git or too large. If a secret ever was in Git, take it out and "
        "change it.",
        "git rm --cached .env",
    ),
    "secret.exposed": Meaning(
        "Something that was about to be written into Git holds the value of a secret, so it was not "
        "written. Take it out where it comes from.",
        "gfr doctor",
    ),
    "secret.keyring": Meaning(
        "The keyring of the system cannot be used. Unlock it, or keep the secret in this clone's own file.",
        "gfr secrets test NAME",
    ),
    "secret.lookalike": Meaning(
        "A file that is about to be committed has something in it that is written like a token or a private "
        "key. If it is one, take it out and change it.",
        "git restore --staged FILE",
    ),
    "secret.missing": Meaning(
        "The secret is declared and no value of it was found where it should lie.",
        "gfr secrets set NAME",
    ),
    "secret.name": Meaning(
        "A secret's name begins with a letter or _ and holds letters, digits, _ . and -.",
        "gfr secrets set --help",
    ),
    "secret.no_keyring": Meaning(
        "Secrets of the system's keyring need a package that is not installed.",
        "pip install keyring",
    ),
    "secret.no_value": Meaning(
        "No value was given: nobody can be asked for it without a terminal. Give it on standard input.",
        "gfr secrets set NAME",
    ),
    "secret.not_allowed": Meaning(
        "The secret's allow-list does not hold this flow, environment or address. It lies with the "
        "secret, so no flow can widen it.",
        "gfr secrets allow NAME",
    ),
    "secret.not_renewed": Meaning(
        "A service gave a new secret in place of the old one, and nothing can be written to where that "
        "lies. The old one may be good for nothing by now: keep the newest value in a place that can be "
        "written to.",
        "gfr secrets set NAME",
    ),
    "secret.nowhere": Meaning(
        "Nothing says yet where the secret may be sent. Name every origin.",
        "gfr secrets allow NAME",
    ),
    "secret.on_argv": Meaning(
        "A value on the command line can be seen by every process. It is read from the terminal or "
        "standard input.",
        "gfr secrets set NAME",
    ),
    "secret.plugin": Meaning(
        "A package offers a source of secrets that is none.",
        "gfr doctor",
    ),
    "secret.staged": Meaning(
        "A file that is about to be committed holds the value of a secret that this clone knows. History "
        "keeps what was committed once.",
        "git restore --staged FILE",
    ),
    "secret.timeout": Meaning(
        "The program that gives the secret did not answer in time. It may wait for somebody to unlock it.",
        "gfr secrets test NAME",
    ),
    "secret.unfit": Meaning(
        "The value cannot be sent in this way: it is empty, or has the end of a line in it.",
        "gfr secrets set NAME",
    ),
    "secret.unknown": Meaning(
        "There is no secret of that name.",
        "gfr secrets ls",
    ),
    "secrets.damaged": Meaning(
        "The local file of secrets, or the list of them, cannot be read. Set them again, or restore the "
        "file.",
        "gfr secrets ls",
    ),
}
