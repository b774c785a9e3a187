"""Answers that once ended in a traceback, in a wait without end, or in a pass that nobody had earned."""

import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cutover.errors import ProbeError
from cutover.facts import awk, nginx_config
from cutover.facts.certificate_files import CertificateOnDisk
from cutover.facts.clock import Clock
from cutover.facts.database import OwnUrl
from cutover.facts.evidence import Outputs
from cutover.facts.monitors import found_at
from cutover.facts.patterns import compiled
from cutover.facts.sshd import Sshd
from cutover.facts.storage import Storage
from cutover.facts.updates import PendingUpdates
from cutover.inventory import Peer, Ports, Target
from cutover.probes import certificate, script, server
from selftest.hostile.spoilt import bounded, visits
from selftest.pki import make, server_context, tcp
from selftest.rows import AT, HOST
from selftest.test_facts_monitors import job

HEALTHY = visits()[0]
SECONDS = 10.0
MARK = "00112233445566778899aabbccddeeff"


def answering(**changed):
    """A healthy host, some of whose commands print another text."""
    outputs = {name.replace("_", "-"): text for name, text in changed.items()}
    new = {name: replace(HEALTHY.outputs[name], stdout=text) for name, text in outputs.items()}
    return replace(HEALTHY, outputs=HEALTHY.outputs | new)


def test_a_database_whose_name_has_a_space_is_told():
    told = OwnUrl.read(answering(postgres_own_url="url host=db.example.com database=my data role=a b\nconnected\n"))
    assert told.leads_to == {"host": "db.example.com", "database": "my data", "role": "a b"}


@pytest.mark.parametrize("line", ["rows users", "rows users many", "rows", "rows users -1"])
def test_a_table_without_a_count_is_an_unknown_form(line):
    told = f"url host=db database=d role=r\nconnected\n{line}\n"
    with pytest.raises(ProbeError, match="unknown form"):
        OwnUrl.read(answering(postgres_own_url=told))


@pytest.mark.parametrize("word", ["nan", "inf", "1e999", "-1"])
def test_a_clock_that_heard_of_its_server_at_no_time_is_not_synchronised(word):
    fields = ["1795578826", *["0"] * 3, word, *["0"] * 9, "Normal"]
    assert len(fields) == 15
    with pytest.raises(ProbeError, match="chronyc answered in an unknown form"):
        Clock.read(answering(time_sync=f"chrony {','.join(fields)}\n"), 1e9)


def test_package_lists_of_a_time_that_never_comes_are_not_fresh():
    lists = HEALTHY.outputs["apt-lists"].stdout
    stamp = lists.split()[0]
    with pytest.raises(ProbeError, match="find answered in an unknown form"):
        PendingUpdates.read(answering(apt_lists=lists.replace(stamp, "9" * 400)), 24)


def test_a_file_system_of_no_inodes_has_no_part_of_them_free():
    told = "/ 100 00 0 /\nend /a /b /c\n"
    assert Storage.read(answering(df_places=told)).places["/"].free_inodes is None


def test_what_a_visit_that_was_cut_did_not_come_to_has_the_cut_for_its_cause():
    cut = Outputs(AT, HOST, {}, cut="the visit did not end within 10 s and was cut")
    with pytest.raises(ProbeError, match="was cut"):
        cut.evidence("backup-script")


def test_a_host_that_frames_what_nobody_asked_for_is_read_without_it():
    told = f"\n{MARK} at 1795578826.5 100.00\n\n{MARK} out nonsense\nx\n{MARK} err nonsense 1.0 1.0\n\n0\n{MARK} end\n"
    digits = f"\n{MARK} out df\nx\n{MARK} err df {'9' * 5000}.0 1.0\n\n{'9' * 5000}\n{MARK} end\n"
    good = f"\n{MARK} out nproc\n12\n{MARK} err nproc 100.00 100.01\n\n0\n{MARK} end\n"
    assert list(script.parse(server.COMMANDS, MARK, (told + digits + good).encode())) == ["nproc"]


@pytest.mark.parametrize(
    "pattern", ["(a*)*$", "(a|a)+$", "((a)*)+b", ".*.*.*.*.*=", "(" * 5000, "[", "a" * 2000, "(a?){9}{9}"]
)
def test_an_expression_that_could_take_for_ever_is_not_tried(pattern):
    with pytest.raises(ValueError, match=r"could take too long|not understood"):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern", [r"^(9[0-9]|100)%$", r"\.(php|cgi)$", r"[*+{}|]+[0-9]{2}%", r"^/api/(v1)?/", "(ab)+"]
)
def test_an_expression_as_alerts_and_locations_have_it_is_tried(pattern):
    assert compiled(pattern).pattern == pattern


@pytest.mark.parametrize(
    "stage",
    [
        "awk '" + '{ gsub(/./, "xxxxxxxxxxxxxxxxxxxx") }' * 40 + "'",
        "grep -E '^(([a-zA-Z0-9 %/]*)*)*!$'",
        "awk '" + "(" * 10_000 + "1'",
        f"awk '$5 > substr($0, {'9' * 400})'",
        f"awk 'int({'9' * 400})'",
    ],
    ids=["growing", "expression", "brackets", "far", "large"],
)
def test_a_disk_alert_that_would_take_for_ever_is_not_worked_out(stage):
    with bounded(SECONDS), pytest.raises(ProbeError, match="cannot be worked out here"):
        found_at(job(f"df -P | {stage}"), 90)


def test_a_line_of_awk_does_not_grow_beyond_reason():
    with pytest.raises(ValueError, match="beyond reason"):
        awk.select('{ gsub(/./, "xxxxxxxxxxxxxxxxxxxx") }' * 4 + "1", ["Filesystem"])


def test_nginx_files_that_include_one_another_end():
    files = "".join(f"# configuration file /etc/nginx/f{n}:\n{f'include f{n + 1};' * 10}\n" for n in range(40))
    with bounded(SECONDS), pytest.raises(ProbeError, match="include one another without end"):
        nginx_config.Config.read(f"{files}# configuration file /etc/nginx/f40:\n")


def test_sshd_files_that_include_one_another_end():
    place = "/etc/ssh/sshd_config"
    lines = [f"{place}:Include {place}.d/0"]
    lines += [f"{place}.d/{n}:Include {place}.d/{n + 1}" for n in range(14) for _ in range(10)]
    with bounded(SECONDS), pytest.raises(ProbeError, match="includes itself"):
        Sshd.read(answering(sshd_files="\n".join(lines) + f"\n{place}.d/14:Port 22\n"))


def spoilt_certificate(old, new):
    """A certificate with other bytes at one place; its signature does not matter here."""
    told = make(HOST, names=[HOST]).certificate.public_bytes(Encoding.DER)
    assert old in told
    return told.replace(old, new, 1)


WRONG = {
    "a version that there is not": (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x06"),
    "a name of no type": (b"\x55\x04\x03\x0c", b"\x55\x04\x03\x8c"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_server_with_a_certificate_that_is_none_has_its_cause(wrong, monkeypatch, tmp_path):
    context = server_context(tmp_path, [make(HOST, names=[HOST])])
    # OpenSSL's own server takes no such certificate.
    sent = spoilt_certificate(*wrong)
    monkeypatch.setattr(certificate, "_chain", lambda peer: [x509.load_der_x509_certificate(sent)])
    with tcp(lambda client: context.wrap_socket(client, server_side=True).close()) as port:
        target = Target(host=HOST, ports=Ports(https=port))
        with pytest.raises(ProbeError, match="a certificate that is none: "):
            certificate.probe(Peer(target, "127.0.0.1"))


def test_a_file_with_a_certificate_of_a_version_that_there_is_not_is_told():
    pem = ssl.DER_cert_to_PEM_cert(spoilt_certificate(*WRONG["a version that there is not"]))
    with pytest.raises(ProbeError, match="is not understood"):
        CertificateOnDisk.read(answering(certificate_pem=pem))
