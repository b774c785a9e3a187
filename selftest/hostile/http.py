"""HTTP: servers that mean ill or are ill, behind sound TLS. Each gets a client that has sent a whole request head."""

import gzip
import time

from selftest.hostile.table import ESCAPES, JWT, MARKUP, PLANTED, Table

HTTP = Table()
OK = b"HTTP/1.1 200 OK\r\n"
NO_ANSWER = "gave no HTTP answer"
HEADERS = "header_on_every_surface"


def whole(body=b"", *lines, status="200 OK"):
    head = [f"HTTP/1.1 {status}".encode(), b"Content-Length: %d" % len(body), *lines, b"", b""]
    return b"\r\n".join(head) + body


def dripping(client, octets):
    for octet in octets:
        client.sendall(bytes([octet]))
        time.sleep(0.15)


def forever(client, block):
    while True:
        client.sendall(block)


def shown(text):
    """A text as the bytes of a header's value."""
    return text.replace("\n", " ").replace("\r", "").encode("utf-8")


@HTTP.case("error", NO_ANSWER)
def endless_headers(client):
    """Sends header after header, and never a body."""
    client.sendall(OK)
    forever(client, b"X-More: 1\r\n" * 99)


@HTTP.case("error", NO_ANSWER)
def endless_header(client):
    """Sends one header whose value does not end."""
    client.sendall(OK + b"X-Long: ")
    forever(client, b"a " * 999)


@HTTP.case("error", "did not finish its answer within 1 s")
def dripping_head(client):
    """Sends the head a byte at a time, each just in time for a socket's timeout."""
    dripping(client, OK + b"X-Slow: 1\r\n" * 99)


@HTTP.case("error", "did not finish its answer within 1 s")
def silent(client):
    """Takes the request and says nothing."""
    time.sleep(20)


@HTTP.case("error", "more than 10 interim answers")
def continues_forever(client):
    """Sends 100 Continue over and over."""
    forever(client, b"HTTP/1.1 100 Continue\r\n\r\n" * 9)


@HTTP.case("error", "the head of the answer never ended")
def ends_in_its_head(client):
    """Hangs up in the middle of a header."""
    client.sendall(OK + b"Strict-Transport-Security: max-age=31536000")


@HTTP.case("error", NO_ANSWER)
def hangs_up(client):
    """Takes the request and closes the connection."""


@HTTP.case("error", NO_ANSWER)
def speaks_ssh(client):
    """Greets as an ssh server does."""
    client.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


@HTTP.case("error", NO_ANSWER)
def garbage(client):
    """Sends bytes that are nothing."""
    client.sendall(bytes(range(256)) * 40)


@HTTP.case("error", NO_ANSWER)
def escapes_for_a_status(client):
    """Colours the terminal in place of a status line."""
    client.sendall(f"{ESCAPES} {MARKUP}\r\n\r\n".encode())


@HTTP.case("error", NO_ANSWER)
def two_lengths(client):
    """Announces two lengths at once."""
    client.sendall(OK + b"Content-Length: 5, 6\r\n\r\n12345")


@HTTP.case("error", NO_ANSWER)
def a_thousand_headers(client):
    """Sends a whole answer with a thousand headers."""
    client.sendall(whole(b"", *(b"X-%d: %d" % (number, number) for number in range(1000))))


@HTTP.case("error", NO_ANSWER)
def status_of_many_digits(client):
    """Answers with a status of 5000 digits."""
    client.sendall(b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\nContent-Length: 0\r\n\r\n")


@HTTP.case("failed", "absent", HEADERS)
def endless_body(client):
    """Sends a body without length that does not end: 16 MB are read of it."""
    client.sendall(OK + b"\r\n")
    for _ in range(25):
        client.sendall(b"<p>x</p>" * 131_072)


@HTTP.case("failed", "absent", HEADERS)
def dripping_body(client):
    """Sends its body a byte at a time."""
    client.sendall(OK + b"Content-Length: 500\r\n\r\n")
    dripping(client, b"x" * 500)


@HTTP.case("failed", "\\x1b", HEADERS)
def escapes_in_headers(client):
    """Puts colours, bells and text from right to left into the headers that are judged."""
    value = shown(ESCAPES + MARKUP)
    names = (b"X-Frame-Options", b"X-Content-Type-Options", b"Strict-Transport-Security", b"Referrer-Policy", b"Server")
    client.sendall(whole(shown(ESCAPES), *(name + b": " + value for name in names)))


@HTTP.case("failed", "<script>", HEADERS)
def markup_in_headers(client):
    """Puts a page's script into headers, their names and the content type."""
    value = MARKUP.encode()
    client.sendall(whole(value, b"X-Frame-Options: " + value, b"Content-Type: " + value, value + b": 1"))


@HTTP.case("failed", "[redacted]", HEADERS)
def secrets_in_headers(client):
    """Echoes a bearer token, a cookie, a web token, an environment and a private key in headers and body."""
    lines = [shown(line) for line in PLANTED.splitlines() if ": " in line]
    client.sendall(whole(PLANTED.encode(), *lines, b"X-Frame-Options: " + JWT.encode()))


@HTTP.case("failed", "500", "front_page_answers")
def error_page_with_secrets(client):
    """Shows its environment and a traceback on an error page."""
    page = f"<html><pre>Traceback (most recent call last):\n{PLANTED}</pre>{MARKUP}{ESCAPES}</html>".encode()
    client.sendall(whole(page, b"Content-Type: text/html", status="500 Internal Server Error"))


@HTTP.case("failed", "/", "redirect_keeps_host_path_and_query")
def redirects_to_itself(client):
    """Leads from each page to the same page."""
    client.sendall(whole(b"", b"Location: /", status="301 Moved Permanently"))


@HTTP.case("failed", "javascript", "redirect_keeps_host_path_and_query")
def redirects_to_a_script(client):
    """Leads to a script, with colours in the address."""
    place = shown(f"javascript:alert(1)//{ESCAPES}{MARKUP}")
    client.sendall(whole(b"", b"Location: " + place, status="301 Moved Permanently"))


@HTTP.case("failed", "absent", HEADERS)
def gzip_bomb(client):
    """Sends a hundred megabytes of nothing as a hundred kilobytes of gzip that nobody asked for."""
    client.sendall(whole(BOMB, b"Content-Encoding: gzip"))


@HTTP.case("failed", "absent", HEADERS)
def chunks_that_lie(client):
    """Announces a chunk of a negative length."""
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n12345\r\n0\r\n\r\n")


@HTTP.case("failed", "absent", HEADERS)
def length_that_lies(client):
    """Announces a gigabyte and sends five bytes."""
    client.sendall(OK + b"Content-Length: 1073741824\r\n\r\n12345")


@HTTP.case("failed", "absent", HEADERS)
def second_answer(client):
    """Sends a second answer, which nobody asked for, with all the headers that the first lacks."""
    client.sendall(whole(b"one") + whole(b"two", b"Strict-Transport-Security: max-age=31536000; includeSubDomains"))


@HTTP.case("failed", "absent", HEADERS)
def invalid_utf_8(client):
    """Sends a page that is no text, with a NUL and half a character in it."""
    client.sendall(whole(b"\xff\xfe\x00\xc3\x28\xed\xa0\x80" * 999, b"Content-Type: text/html; charset=utf-8"))


@HTTP.case("failed", "not valid", "hsts_on_every_https_surface")
def hsts_of_many_digits(client):
    """Promises https for a number of seconds of 5000 digits, in quotes and backslashes."""
    client.sendall(whole(b"", b'Strict-Transport-Security: max-age="' + rb"\9" * 5000 + b'"'))


BOMB = gzip.compress(bytes(100 * 1024 * 1024), 9)
