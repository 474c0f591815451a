"""AWS signatures against the examples that Amazon publishes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from gitflow_runner.net.exchange import HttpRequest
from gitflow_runner.net.sigv4 import AwsKey, signed

EMPTY = hashlib.sha256().hexdigest()


def ms(text: str) -> int:
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1_000)


def signature(request: HttpRequest) -> str:
    return dict(request.headers)["Authorization"].rpartition("Signature=")[2]


def test_the_plain_example_of_the_test_suite() -> None:
    made = signed(
        HttpRequest("GET", "https://example.amazonaws.com/"),
        AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        region="us-east-1",
        service="service",
        now_ms=ms("20150830T123600Z"),
        digest=EMPTY,
    )
    assert signature(made) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def test_the_example_of_reading_a_range_of_an_object() -> None:
    made = signed(
        HttpRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", (("Range", "bytes=0-9"),)),
        AwsKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region="us-east-1",
        service="s3",
        now_ms=ms("20130524T000000Z"),
        digest=EMPTY,
    )
    assert signature(made) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_query_is_signed_and_sent_in_one_spelling() -> None:
    key = AwsKey("A", "s")
    one, two = (
        signed(
            HttpRequest("GET", f"https://a.example/?{query}"),
            key,
            region="r",
            service="x",
            now_ms=0,
            digest=EMPTY,
        )
        for query in ("b=2&a=x+y", "a=x%20y&b=2")
    )
    assert (one.url, signature(one)) == ("https://a.example/?a=x%20y&b=2", signature(two))


def test_a_key_does_not_print_its_secret() -> None:
    assert "s3cret" not in repr(AwsKey("A", "s3cret", "s3cret-session"))
