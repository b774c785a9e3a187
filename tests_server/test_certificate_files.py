"""Section 6: the certificate and its key on the host. How a stranger finds it: tests_security/test_certificate.py."""

from cutover.check import control, promised, seen
from cutover.facts.certificate import Certificate
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk
from cutover.inventory import Target


@control("6.files")
def test_certificate_files_exist(certificate_files: CertificateFiles) -> None:
    """In certbot's directory both are links; nginx needs what they lead to at its next start, whatever it has now.

    Mend: sudo certbot certonly --nginx -d NAME; when they lie elsewhere, declare server.certificate and private_key
    """
    files = {
        certificate_files.certificate_path: certificate_files.certificate is not None,
        certificate_files.private_key_path: certificate_files.private_key is not None,
    }
    assert seen(files, where="ls -lL") == promised(dict.fromkeys(files, True))


@control("6.files")
def test_private_key_is_readable_by_root_only(certificate_files: CertificateFiles) -> None:
    """Who reads it can pose as this host. The file's own mode counts: a closed directory is opened in one command.

    Mend: sudo chown root:root PRIVKEY && sudo chmod 600 PRIVKEY && sudo setfacl -b PRIVKEY
    """
    key = certificate_files.private_key
    private = (
        key is not None
        and key.owner == "root"
        and not key.listed
        and key.mode[7:] == "---"
        and (key.mode[4:7] == "---" or key.group == "root")
    )
    told = key.told if key else "not there"
    assert seen(private, told, where=certificate_files.private_key_path) == promised(True, "-rw------- root:root")


@control("6.files")
def test_private_key_matches_the_certificate(certificate_on_disk: CertificateOnDisk) -> None:
    """With another key nginx does not start again. Only the public halves are compared.

    Mend: put back the pair that certbot wrote: sudo certbot certificates; else sudo certbot certonly --nginx -d NAME
    """
    key = certificate_on_disk.private_keys_public_key
    assert seen(key, where="sha256 of the private key's public half") == promised(certificate_on_disk.public_key)


@control("6.certificate")
def test_certificate_on_disk_is_for_this_name(certificate_on_disk: CertificateOnDisk, target: Target) -> None:
    """It is what nginx serves after its next reload, so its name matters before that.

    Mend: sudo certbot certonly --nginx -d NAME
    """
    names = certificate_on_disk.names
    covered = target.host in names or "*." + target.host.partition(".")[2] in names
    assert seen(covered, ", ".join(names) or "no name", where="subjectAltName") == promised(True, target.host)


@control("6.certificate")
def test_served_certificate_is_the_one_on_disk(
    certificate: Certificate, certificate_on_disk: CertificateOnDisk
) -> None:
    """nginx keeps what it has read: a renewed certificate that was not loaded is missing when the old one expires.

    Mend: sudo nginx -t && sudo systemctl reload nginx; look whether ssl_certificate names this file
    """
    where = f"sha256 of the certificate, {certificate.address}"
    assert seen(certificate.leaf.fingerprint, where=where) == promised(certificate_on_disk.fingerprint)
