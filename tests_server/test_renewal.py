"""Section 6: certbot, and whether the certificate renews itself to the end, until nginx serves the new one."""

from cutover.check import control, promised, seen
from cutover.facts.certificate_files import CertificateFiles
from cutover.facts.nginx import Nginx
from cutover.facts.nginx_site import answering
from cutover.facts.renewal import Rehearsal, Renewal
from cutover.inventory import Target

AT_BOOT = {"enabled", "static", "generated"}
CHALLENGES = "/.well-known/acme-challenge/"


@control("6.certbot")
def test_certbot_is_installed(renewal: Renewal) -> None:
    """Without it nobody renews the certificate. Debian's package and the snap are both right.

    Mend: sudo apt install certbot python3-certbot-nginx
    """
    assert seen(renewal.certbot != "", renewal.certbot or "no certbot") == promised(True, "certbot installed")


@control("6.renewal")
def test_renewal_is_configured(renewal: Renewal, certificate_files: CertificateFiles) -> None:
    """certbot renews what lies in /etc/letsencrypt/renewal, and nothing else: a certificate copied there expires.

    Mend: sudo certbot certonly --nginx -d NAME; autorenew = False must not stand in the renewal's configuration
    """
    settings = renewal.settings
    state = "no configuration" if settings is None else settings.get("fullchain", "no certificate named")
    if settings and settings.get("autorenew", "True").lower() == "false":
        state = "autorenew = False"
    assert seen(state, where=renewal.conf) == promised(certificate_files.certificate_path)


@control("6.renewal")
def test_renewal_asks_an_authority_that_clients_trust(renewal: Renewal) -> None:
    """After a rehearsal with --staging the next renewal would fetch a certificate that no browser accepts.

    Mend: sudo certbot certonly --nginx -d NAME --force-renewal --server https://acme-v02.api.letsencrypt.org/directory
    """
    server = (renewal.settings or {}).get("server", "none named")
    text = "an authority for production"
    assert seen("staging" not in server and server != "none named", server, where=renewal.conf) == promised(True, text)


@control("6.renewal")
def test_renewal_can_prove_the_name(renewal: Renewal, nginx: Nginx, target: Target) -> None:
    """The authority asks over plain http; a proof laid where nginx does not look is never found. certbot's own web
    server cannot have port 80 while nginx has it, and by hand nobody is there at night.

    Mend: sudo certbot renew --cert-name NAME --force-renewal --webroot -w DIRECTORY, with the directory that nginx
    serves /.well-known/acme-challenge/ from; or --nginx
    """
    settings = renewal.settings or {}
    way = settings.get("authenticator", "none")
    right = way == "nginx" or way.startswith("dns-")
    told, wanted = way, "webroot, nginx or dns"
    if way == "webroot":
        site = answering(nginx.config, "ipv4", target.ports.http, target.host)
        if site and site.returned(CHALLENGES, target.host):  # the authority follows
            site = answering(nginx.config, "ipv4", target.ports.https, target.host)
        root = site.location(CHALLENGES).files if site else None
        told = f"webroot {', '.join(renewal.webroots) or 'nowhere'}"
        wanted = f"webroot {root}, where nginx looks"
        right = root is not None and {path.rstrip("/") for path in renewal.webroots} == {root.rstrip("/")}
    elif way == "standalone":
        right = "pre_hook" in settings or settings.get("http01_port", "80") != "80"
    elif way == "manual":
        right = "manual_auth_hook" in settings
    assert seen(right, told, where=renewal.conf) == promised(True, wanted)


@control("6.renewal")
def test_renewal_runs_by_itself(renewal: Renewal) -> None:
    """A timer that is active now, enabled for the next boot and has a next time; or an entry that cron reads.
    Debian's /etc/cron.d/certbot does nothing under systemd and does not count.

    Mend: sudo systemctl enable --now certbot.timer
    """
    timers = {
        timer.name: timer.active == "active" and timer.at_boot in AT_BOOT and timer.next for timer in renewal.timers
    }
    live = any(timers.values()) or (renewal.cron_active and bool(renewal.cron_entries))
    told = [f"{timer.name}: {timer.active}, {timer.at_boot or 'unknown'} at boot" for timer in renewal.timers]
    told += [f"{entry}: cron {'runs' if renewal.cron_active else 'does not run'}" for entry in renewal.cron_entries]
    assert seen(live, "; ".join(told) or "neither timer nor cron entry") == promised(True, "a live timer or cron entry")


@control("6.renewal")
def test_renewed_certificate_is_loaded_by_nginx(renewal: Renewal) -> None:
    """certonly leaves nginx alone: the old certificate would be served until it expires. A hook reloads nginx, or
    certbot's nginx installer does.

    Mend: put a script with systemctl reload nginx, chmod +x, into /etc/letsencrypt/renewal-hooks/deploy/
    """
    installer = (renewal.settings or {}).get("installer", "")
    loads = bool(renewal.reloads) or installer == "nginx"
    dead = [f"{hook} is not executable" for hook in sorted(renewal.dead_hooks)]
    told = ", ".join(sorted(renewal.reloads) or dead) or f"no hook, installer {installer or 'none'}"
    assert seen(loads, told) == promised(True, "a hook that reloads nginx, or installer nginx")


@control("6.renewal")
def test_last_renewal_had_no_error(renewal: Renewal) -> None:
    """certbot tries twice a day and fails quietly for weeks. None yet is right for a fresh certificate.

    Mend: sudo certbot renew; what went wrong stands in /var/log/letsencrypt/letsencrypt.log
    """
    attempt = renewal.attempt
    where = f"/var/log/letsencrypt, {attempt.at if attempt else 'no renewal yet'}"
    assert seen(attempt.errors if attempt else (), where=where) == promised(())


@control("6.renewal")
def test_rehearsed_renewal_succeeds(rehearsal: Rehearsal) -> None:
    """The checklist's own proof: the whole way to the authority and back. Only with --allow-active.

    Mend: sudo certbot renew --dry-run, and what it says
    """
    assert seen(rehearsal.failures, where="certbot renew --dry-run") == promised(())


@control("6.renewal")
def test_renewal_service_has_not_failed(renewal: Renewal) -> None:
    """systemd also sees what certbot cannot log: that it did not start, or was killed.

    Mend: journalctl -u certbot.service; then sudo systemctl start certbot.service
    """
    failed = {name for name, state in renewal.services.items() if state == "failed"}
    assert seen(failed, where="systemctl show") == promised(set())
