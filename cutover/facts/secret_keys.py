"""The application's two secret keys, judged on the host: no value and no hash of one leaves it (section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

APPLICATION_KEY, TOKEN_KEY = "MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY"

# Of a file that names a key twice the last counts, as for systemd and for a shell.
_JUDGE = r"""
root cat "$ENV_FILE" | awk '
{
  sub(/^[ \t]*(export[ \t]+)?/, "")
  if ($0 !~ /^MKS_(JWT_)?SECRET_KEY[ \t]*=/) next
  name = substr($0, 1, index($0, "=") - 1)
  value = substr($0, index($0, "=") + 1)
  gsub(/[ \t]/, "", name)
  gsub(/^[ \t]+|[ \t\r]+$/, "", value)
  quote = substr(value, 1, 1)
  if (quote == "\"" || quote == "\047") {
    value = substr(value, 2)
    if (index(value, quote)) value = substr(value, 1, index(value, quote) - 1)
  } else sub(/[ \t]+#.*$/, "", value)
  keys[name] = value
}
function tell(name,   value, length_, i, j, char, count, distinct, bits, steps, before, place, repeats) {
  value = keys[name]
  length_ = length(value)
  if (length_ == 0) return
  order = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  for (i = 1; i <= length_ && i <= 1000; i++) {
    char = substr(value, i, 1)
    if (!(char in count)) distinct++
    count[char]++
    place = index(order, char)
    if (i > 1 && (char == before_char || (place && before && place - before <= 1 && before - place <= 1))) steps++
    before = place
    before_char = char
  }
  for (char in count) bits -= count[char] * log(count[char] / (i - 1)) / log(2)
  repeats = steps > 0.6 * length_
  for (j = 1; j <= length_ / 2; j++) if (substr(value, 1, length_ - j) == substr(value, j + 1)) { repeats = 1; break }
  place = tolower(value) ~ words
  print name, "length", length_, "distinct", distinct, "bits", int(bits), "repeats", repeats, "placeholder", place
}
BEGIN {
  words = "your[-_ ]|change|example|placeholder|passw|secret|default|replace|insecure|mirai|[-_]key|" \
    "developm|production|^dev[-_]|^test|todo|xxxx|qwerty|asdfgh|123456|abcdef"
}
END {
  tell("MKS_SECRET_KEY")
  tell("MKS_JWT_SECRET_KEY")
  print "differ", keys["MKS_SECRET_KEY"] != keys["MKS_JWT_SECRET_KEY"]
  print "lines", NR
}'
"""

COMMANDS = {"secret-keys": Command(_JUDGE.strip())}

_MISSING_FILE = re.compile(r"^cat: .*: No such file or directory$")


@dataclass(frozen=True, slots=True)
class SecretKey:
    """What is told of a key: its characters, how many are different, an estimate of its entropy, and two flaws.

    ``repeats`` is a value that is made of a repeated part or of neighbours (0123…), ``placeholder`` one that
    holds a word which is meant to be replaced.
    """

    length: int
    distinct: int
    bits: int
    repeats: bool
    placeholder: bool


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The keys that the environment file sets to something, by name, and whether they differ."""

    keys: dict[str, SecretKey]
    differ: bool
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> SecretKeys:
        """Read the host's judgement; a file that is not there sets no key."""
        output = outputs["secret-keys"]
        told = by_key(outputs.text("secret-keys"))
        if output.stderr and not _MISSING_FILE.match(output.stderr):
            raise ProbeError(f"{outputs.host}: the environment file cannot be read: {output.stderr[:200]}")
        keys = {}
        for name in (APPLICATION_KEY, TOKEN_KEY):
            for line in told[name]:
                found = re.fullmatch(
                    r"length (\d{1,9}) distinct (\d{1,9}) bits (\d{1,9}) repeats ([01]) placeholder ([01])", line
                )
                if not found:
                    raise ProbeError(f"{outputs.host}: awk answered in an unknown form about the secret keys")
                length, distinct, bits, repeats, placeholder = map(int, found.groups())
                keys[name] = SecretKey(length, distinct, bits, bool(repeats), bool(placeholder))
        if told["differ"] not in (["0"], ["1"]) or not told["lines"]:
            raise ProbeError(f"{outputs.host}: awk answered in an unknown form about the secret keys")
        return cls(keys=keys, differ=told["differ"] == ["1"], evidence=outputs.evidence("secret-keys"))
