"""Private key files: which are loaded, and what is said of the others."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gitflow_runner.errors import UsageError
from gitflow_runner.trust.signer import load_signer
from tests.signed_objects import rsa_key_file


def test_a_key_file_that_cannot_be_used_says_why() -> None:
    with pytest.raises(UsageError) as problem:
        load_signer(b"nothing", name="id_ed25519")
    assert problem.value.code == "trust.key_unreadable"
    assert "id_ed25519" in problem.value.message


def test_a_key_that_is_too_short_is_not_loaded() -> None:
    assert load_signer(rsa_key_file(2048)).key.rsa_bits == 2048
    with pytest.raises(UsageError, match="only 1024 bits") as problem:
        load_signer(rsa_key_file(1024), name="id_rsa")
    assert problem.value.code == "trust.key_unreadable"


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_key_of_an_old_kind_is_not_loaded() -> None:
    private = dsa.generate_private_key(1024)
    file = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with pytest.raises(UsageError) as problem:
        load_signer(file, name="id_dsa")
    assert problem.value.code == "trust.key_unreadable"
