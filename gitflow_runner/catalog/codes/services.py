"""What steps reach out to: databases, functions, HTTP, mail, key-value store, stored values, templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

SERVICES: Final[Mapping[str, Meaning]] = {
    "apprise.address": Meaning(
        "The secret `address` of the connection is no URL that apprise knows a service for, or the service "
        "needs more than to send requests.",
        "gfr connections ls",
    ),
    "apprise.failed": Meaning(
        "A service of apprise's did not take the note, or did not say so in time. Apprise gives no reason "
        "that could be shown. It is sent again where the step has a :retry, and may then come twice.",
        "gfr logs RUN",
    ),
    "apprise.missing": Meaning(
        "The library apprise is not installed here: pip install 'gitflow-runner[apprise]'.",
        "gfr doctor",
    ),
    "apprise.refused": Meaning(
        "A service of apprise's wanted to go elsewhere than to the base URL of its connection, or to do "
        "more than to send requests by TLS. Nothing was sent there.",
        "gfr connections ls",
    ),
    "auth.refused": Meaning(
        "The service that gives out tokens refused: the client, its secret or the token URL of the "
        "connection is wrong.",
        "gfr connections ls",
    ),
    "auth.unavailable": Meaning(
        "The service that gives out tokens is not well right now. It is asked again where the step has a "
        ":retry.",
        "gfr logs RUN",
    ),
    "blob_not_shared": Meaning(
        "The run's home is on a remote and large values would lie in this clone alone, so that others "
        "could not go on. Name a folder that all clones reach, or a bucket under resources: in "
        ".breyta/config.yaml.",
        "git config gitflow.resources DIRECTORY",
    ),
    "child.failed": Meaning(
        "A flow that was called by flow/call-flow or :fanout ended badly. The message names its run; look "
        "there.",
        "gfr show RUN",
    ),
    "db.columns": Meaning(
        "Two columns of the result have one name, so one would hide the other. Name them apart with AS.",
        "gfr lint FLOW",
    ),
    "db.connect": Meaning(
        "The database could not be reached or opened with what its connection says.",
        "gfr connections ls",
    ),
    "db.driver": Meaning(
        "The library for this kind of database is not installed here. The hint names the extra to install.",
        "pip install gitflow-runner",
    ),
    "db.params": Meaning(
        "The statement has another number of ? than :params has values, or one is unfit.",
        "gfr lint FLOW",
    ),
    "db.read_only": Meaning(
        "The statement changes data and the step may only read. Give :write true, or :write :repeatable "
        "for a statement that does no harm when it runs twice.",
        "gfr lint FLOW",
    ),
    "db.refused": Meaning(
        "The secrets of this connection may not be sent to that address; their allow-list says where they "
        "may go.",
        "gfr secrets allow NAME",
    ),
    "db.statement": Meaning(
        "The database refused the statement; the message is the beginning of what it said.",
        "gfr logs RUN",
    ),
    "db.timeout": Meaning(
        "The statement ran out of its :timeout and was stopped; what it had changed is undone.",
        "gfr lint FLOW",
    ),
    "db.too_large": Meaning(
        "The answer of the database is larger or deeper than a result may be. Select fewer columns or rows.",
        "gfr lint FLOW",
    ),
    "db.too_many_rows": Meaning(
        "More rows came than a result holds; ask for fewer, or give :max-results.",
        "gfr lint FLOW",
    ),
    "db.unsupported": Meaning(
        "There is no database of that kind here.",
        "gfr lint FLOW",
    ),
    "function.code": Meaning(
        "The code of a function step is a quoted form or a text with one form in it.",
        "gfr lint FLOW",
    ),
    "function.crashed": Meaning(
        "The process in which functions of drafts run ended, or answered with nonsense. That is nothing "
        "that the code could do, so it is tried again.",
        "gfr logs RUN",
    ),
    "function.failed": Meaning(
        "The function threw an exception that it does not catch; the message is that of the exception.",
        "gfr logs RUN",
    ),
    "function.memory": Meaning(
        "The function ran out of the memory that its process may have. Filter early, and hand large "
        "values over by :persist.",
        "gfr logs RUN",
    ),
    "function.overrun": Meaning(
        "The function ran longer than functions.wall-seconds or functions.cpu-seconds allow, and was "
        "stopped.",
        "gfr logs RUN",
    ),
    "function.unknown": Meaning(
        ":functions of the flow has no entry of that id.",
        "gfr lint FLOW",
    ),
    "http.allow": Meaning(
        "An entry of http: allow: in .breyta/config.yaml is not scheme://host:port.",
        "gfr doctor",
    ),
    "http.body": Meaning(
        "The body of the answer cannot be read as what :response-as, or its Content-Type, says it is.",
        "gfr logs RUN",
    ),
    "http.connect": Meaning(
        "The service could not be reached: no address, no answer, or a certificate that does not hold.",
        "gfr logs RUN",
    ),
    "http.protocol": Meaning(
        "The exchange broke off or was not HTTP, or the URL carries a name or password.",
        "gfr logs RUN",
    ),
    "http.redirects": Meaning(
        "The service sent the request on and on.",
        "gfr logs RUN",
    ),
    "http.refused_address": Meaning(
        "The host's address lies inside the network or is this machine, where flows may not reach unless "
        "http: allow: in .breyta/config.yaml says so; or a secret would have gone to a host that it may "
        "not.",
        "gfr doctor",
    ),
    "http.scheme": Meaning(
        "Only https:// and http:// URLs with a host are fetched.",
        "gfr lint FLOW",
    ),
    "http.status": Meaning(
        "The service answered with a status that means failure. Statuses that mean no failure for this "
        "step go into :ok-statuses.",
        "gfr logs RUN",
    ),
    "http.timeout": Meaning(
        "The service did not answer within the step's :timeout.",
        "gfr logs RUN",
    ),
    "http.too_large": Meaning(
        "The answer is larger than the step takes. Ask for less, store it by :persist {:type :blob}, or "
        "raise http: max-response-bytes:.",
        "gfr lint FLOW",
    ),
    "json.malformed": Meaning(
        "The text is not JSON.",
        "gfr logs RUN",
    ),
    "json.too_large": Meaning(
        "The JSON is nested deeper, or has more values, than is read here.",
        "gfr logs RUN",
    ),
    "json.unwritable": Meaning(
        "The value has no form in JSON: it is nested too deeply, or is an infinite number, a pattern or "
        "the like.",
        "gfr lint FLOW",
    ),
    "kv.contended": Meaning(
        "Other runs write the same scope of the key-value store all the time. It is tried again where the "
        "step has a :retry.",
        "gfr show RUN",
    ),
    "kv.key": Meaning(
        "A key of the key-value store has at most 256 of the characters a-z A-Z 0-9 _ : -.",
        "gfr lint FLOW",
    ),
    "kv.not_a_list": Meaning(
        ":append wants a list under the key, and something else lies there.",
        "gfr logs RUN",
    ),
    "kv.not_a_number": Meaning(
        ":increment wants a number under the key, and something else lies there.",
        "gfr logs RUN",
    ),
    "kv.too_large": Meaning(
        "A value of the key-value store has at most 1 MB. Store it by :persist {:type :blob} and keep the "
        "reference.",
        "gfr lint FLOW",
    ),
    "limit.calls": Meaning(
        "A run calls other flows at most 25 times.",
        "gfr show RUN",
    ),
    "limit.depth": Meaning(
        "Flows call one another at most 5 deep.",
        "gfr show RUN",
    ),
    "limit.steps": Meaning(
        "A run takes at most 10,000 steps. Split the work over child flows.",
        "gfr show RUN",
    ),
    "mail.broken": Meaning(
        "The connection broke after the mail was handed over, so it may have been sent. It is not sent "
        "again by itself.",
        "gfr logs RUN",
    ),
    "mail.connect": Meaning(
        "The mail server could not be reached.",
        "gfr doctor",
    ),
    "mail.insecure": Meaning(
        "The mail server offers no encryption, and a password is not sent without it.",
        "gfr doctor",
    ),
    "mail.refused": Meaning(
        "The mail server refused the mail, with the answer in the message.",
        "gfr logs RUN",
    ),
    "notify.plugin": Meaning(
        "A package offers a kind of notifier, but not exactly one of it.",
        "gfr doctor",
    ),
    "notify.settings": Meaning(
        "The settings of a notifier in .breyta/config.yaml cannot be used, or one is missing.",
        "gfr doctor",
    ),
    "notify.unknown_channel": Meaning(
        "There is no notifier, or no channel in .breyta/config.yaml, of that name.",
        "gfr doctor",
    ),
    "persist.too_large": Meaning(
        "The result is larger than a stored value may be.",
        "gfr lint FLOW",
    ),
    "persist.unwritable": Meaning(
        "The result has no form in which it could be stored.",
        "gfr logs RUN",
    ),
    "res.ambiguous": Meaning(
        "Several stored values begin with what was typed. Type more of the digest.",
        "gfr resources ls",
    ),
    "res.bucket": Meaning(
        "The bucket that large values lie in could not be reached or is not well right now. The value is not "
        "stored; a step with a :retry tries again.",
        "gfr logs RUN",
    ),
    "res.bucket_refused": Meaning(
        "The bucket that large values lie in refused: its key may not read, put and list there, the region "
        "or the address is wrong, or other bytes lie where the value belongs.",
        "gfr connections ls",
    ),
    "res.bucket_settings": Meaning(
        "The connection under resources: in .breyta/config.yaml is not there or is not signed for S3. What "
        "counts is the protected branch.",
        "gfr connections ls",
    ),
    "res.disk": Meaning(
        "A large value could not be written to the store, for the reason in the message.",
        "gfr doctor",
    ),
    "res.folder": Meaning(
        "The setting gitflow.resources is not an absolute path.",
        "git config gitflow.resources DIRECTORY",
    ),
    "res.in_use": Meaning(
        "A stored value goes when no run names it any more; this one is still named.",
        "gfr resources ls",
    ),
    "res.malformed": Meaning(
        "A stored value is named res://sha256/ and 64 hexadecimal digits.",
        "gfr resources ls",
    ),
    "res.shared": Meaning(
        "The store is shared by several clones, and what the others need cannot be seen from here, so "
        "nothing is taken away.",
        "gfr resources ls",
    ),
    "res.too_large": Meaning(
        "The stored value is too large to be loaded into a function.",
        "gfr lint FLOW",
    ),
    "res.unknown": Meaning(
        "No run here names a stored value of that digest.",
        "gfr resources ls",
    ),
    "template.shape": Meaning(
        "The template lacks the part that this step takes: :request, :channels, :sql, :prompt.",
        "gfr lint FLOW",
    ),
    "template.syntax": Meaning(
        "A template cannot be read at the place named: a tag or block is not closed, or there is no block "
        "or helper of that name.",
        "gfr lint FLOW",
    ),
    "template.too_large": Meaning(
        "A template is longer than 1,000,000 characters; hand large texts over by :data.",
        "gfr lint FLOW",
    ),
    "template.too_much": Meaning(
        "A template would become longer than 10,000,000 characters, or takes more work than one may; hand "
        "it less data.",
        "gfr logs RUN",
    ),
    "template.unavailable": Meaning(
        "A template is named where none can be rendered, as in a single expression.",
        "gfr lint FLOW",
    ),
    "template.unknown": Meaning(
        "The step names a template that :templates of the flow does not hold.",
        "gfr lint FLOW",
    ),
    "template.value": Meaning(
        "A value cannot stand in a text, or a helper cannot take it: infinity, a bad length.",
        "gfr logs RUN",
    ),
    "value.too_large": Meaning(
        "The result is larger than a run keeps inline. Add :persist {:type :blob} to the step and hand "
        "the reference on.",
        "gfr lint FLOW",
    ),
}
