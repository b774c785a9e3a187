"""Section 3: the application's secret keys. They are judged on the host; their values never leave it."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.secret_keys import APPLICATION_KEY, TOKEN_KEY, SecretKeys

LEAST_LENGTH = 32  # characters; the checklist's own command makes 64
LEAST_BITS = 80  # estimated by how often each character occurs; 32 random digits have 100
LEAST_DISTINCT = 8

KEYS = pytest.mark.parametrize("key", [APPLICATION_KEY, TOKEN_KEY])


@control("3.secret-keys")
@KEYS
def test_secret_key_is_long(secret_keys: SecretKeys, key: str) -> None:
    """Whoever finds it signs in as anybody; a short one is found by trying.

    Mend: python3 -c "import secrets; print(secrets.token_hex(32))" into the environment file, then restart
    """
    length = secret_keys.keys[key].length if key in secret_keys.keys else 0
    told = f"{length} characters" if length else "not set"
    assert seen(length, told, where=key) >= promised(LEAST_LENGTH, f"at least {LEAST_LENGTH} characters")


@control("3.secret-keys")
@KEYS
def test_secret_key_looks_random(secret_keys: SecretKeys, key: str) -> None:
    """A long key of few characters, of a repeated part or of neighbours on the keyboard is guessed all the same.

    Mend: python3 -c "import secrets; print(secrets.token_hex(32))" into the environment file, then restart
    """
    found = secret_keys.keys.get(key)
    random = found is not None and not found.repeats and found.distinct >= LEAST_DISTINCT and found.bits >= LEAST_BITS
    told = f"{found.bits} bits, {found.distinct} different characters" if found else "not set"
    told += ", with a pattern" if found and found.repeats else ""
    wanted = f"{LEAST_BITS} bits, {LEAST_DISTINCT} different characters, no pattern"
    assert seen(random, told, where=key) == promised(True, wanted)


@control("3.secret-keys")
@KEYS
def test_secret_key_is_no_placeholder(secret_keys: SecretKeys, key: str) -> None:
    """The example of a document is known to everybody who has read it.

    Mend: python3 -c "import secrets; print(secrets.token_hex(32))" into the environment file, then restart
    """
    found = secret_keys.keys.get(key)
    told = ("a placeholder" if found.placeholder else "a value of its own") if found else "not set"
    assert seen(told, where=key) == promised("a value of its own")


@control("3.secret-keys")
def test_secret_keys_differ(secret_keys: SecretKeys) -> None:
    """With one key for both, what leaks by a cookie signs tokens too.

    Mend: python3 -c "import secrets; print(secrets.token_hex(32))" once for each key, then restart
    """
    told = "different" if secret_keys.differ else "the same"
    assert seen(told, where=f"{APPLICATION_KEY} and {TOKEN_KEY}") == promised("different")
