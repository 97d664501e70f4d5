"""What RFC 9112 (HTTP/1.1) and RFC 9110 require of a file server, as a table of bytes.

A row: the section, the bytes to send, the expected answers in order, and whether the connection is kept
(table.py). Ranges and conditions are in test_conditions.py.
"""

import pytest

from tests.servers.table import BAD, CLOSED, KEPT, OK, OLD, Row, check, get, only

NEXT = b"GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n"  # what a smuggler hopes to have served
NEXT_BYTES = b"Content-Length: %d" % len(NEXT)
CHUNKED = b"Transfer-Encoding: chunked"
LAST_CHUNK = b"0\r\n\r\n"
CLOSE, KEEP = b"Connection: close", b"Connection: keep-alive"
EXPECT = b"Expect: 100-continue"
UPGRADE = (b"Connection: Upgrade", b"Upgrade: h2c")
ALLOW = {"allow": "GET, HEAD"}

MESSAGES = [
    Row("9112 2.2", "empty lines before a request", b"\r\n\r\n" + get(), OK, KEPT),
    Row("9112 2.2", "bare LF ends a line", b"GET /one HTTP/1.1\nHost: a\n\n", BAD, CLOSED),
    Row("9112 2.2", "bare CR in a field", get(b"X: a\rb"), BAD, CLOSED),
    Row("9112 2.2", "bare CR before a line's end", get(b"X: a\r"), BAD, CLOSED),
    Row("9112 2.2", "white space before the first field", only(b" X: a", b"Host: a"), BAD, CLOSED),
    Row("9112 2.3", "HTTP/1.0", only(version=OLD), OK, CLOSED),
    Row("9110 2.5", "HTTP/1.2 is answered as HTTP/1.1", get(version=b"HTTP/1.2") * 2, (200, 200), KEPT),
    Row("9112 2.3", "HTTP/1.10 is no version", get(version=b"HTTP/1.10"), BAD, CLOSED),
    Row("9112 2.3", "http/1.1 is no version", get(version=b"http/1.1"), BAD, CLOSED),
    Row("9112 2.3", "HTTP/11 is no version", get(version=b"HTTP/11"), BAD, CLOSED),
    Row("9110 15.6.6", "HTTP/2.0", get(version=b"HTTP/2.0"), (505,), CLOSED),
    Row("9110 15.6.6", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,), CLOSED),
    Row("9110 15.6.6", "HTTP/0.9 with a version", get(version=b"HTTP/0.9"), (505,), CLOSED),
    Row("9112 3", "no version", b"GET /one\r\n\r\n", BAD, CLOSED),
    Row("9112 3", "two spaces", b"GET  /one HTTP/1.1\r\nHost: a\r\n\r\n", BAD, CLOSED),
    Row("9112 3", "a tab for a space", b"GET\t/one HTTP/1.1\r\nHost: a\r\n\r\n", BAD, CLOSED),
    Row("9112 3.2", "a space in the target", get(target=b"/o ne"), BAD, CLOSED),
    Row("9112 3", "a target of 40,000 bytes", get(target=b"/" + b"a" * 40_000), (414,), CLOSED),
    Row("9110 5.4", "fields of 40,000 bytes", get(b"X: " + b"a" * 40_000), (431,), CLOSED),
    Row("9110 5.4", "4,000 fields", get(*[b"X: y"] * 4000), (431,), CLOSED),
    Row("9112 5.1", "white space before the colon", get(b"X : y"), BAD, CLOSED),
    Row("9112 5.1", "white space around a value", get(b"Range: \t bytes=0-0 \t "), (206,), KEPT),
    Row("9112 5.2", "a folded field", get(b"X: a", b" b"), BAD, CLOSED),
    Row("9110 5.1", "a name that is no token", get(b"X(): y"), BAD, CLOSED),
    Row("9110 5.1", "a field without a name", get(b": y"), BAD, CLOSED),
    Row("9110 5.1", "a field without a colon", get(b"X"), BAD, CLOSED),
    Row("9110 5.1", "names have no case", only(b"hOsT: a", b"rAnGe: bytes=0-0"), (206,), KEPT),
    Row("9110 5.5", "NUL in a field", get(b"X: a\0b"), BAD, CLOSED),
    Row("9110 5.5", "bytes beyond ASCII in a field", get(b"X: \xff\xc3\xa9"), OK, KEPT),
    Row("9110 5.5", "an empty field", get(b"X:"), OK, KEPT),
]

HOSTS = [
    Row("9112 3.2", "no Host", only(), BAD, CLOSED),
    Row("9112 3.2", "two Hosts", get(b"Host: a"), BAD, CLOSED),
    Row("9112 3.2", "two Hosts in HTTP/1.0", get(b"Host: b", version=OLD), BAD, CLOSED),
    Row("9112 3.2", "two Hosts, one of them in other letters", get(b"HOST: b"), BAD, CLOSED),
    *(
        Row("9112 3.2", f"Host {host.decode()!r}", only(b"Host: " + host), BAD, CLOSED)
        for host in (
            *(b"a b", b"a@b", b"[::1", b"::1", b"[::1]x", b"[:::]", b"[1.2.3.4]", b"[a]", b"[]", b"exa mple", b"a/b"),
            *(
                b"a, b",
                b"a:b",
                b"a:80:80",
                b"a:+80",
                b"http://a",
                b"a?b",
                b"a#b",
                b"a\\b",
                b'"a"',
                b"<a>",
                b"a%",
                b"%zz",
            ),
        )
    ),
    Row("9112 3.2", "a bad Host in HTTP/1.0", only(b"Host: a b", version=OLD), BAD, CLOSED),
    *(
        Row("9110 7.2", f"Host {host.decode()!r}", only(b"Host: " + host), OK, KEPT)
        for host in (
            *(b"", b"a", b"A.example.", b"1.2.3.4:80", b"[::1]", b"[::ffff:1.2.3.4]:80", b"a:", b":80", b"a_b", b"%41"),
            b"a:99999",  # port = *DIGIT, RFC 3986 section 3.2.3; nothing here is routed by it
        )
    ),
]

TARGETS = [
    Row("9112 3.2.1", "a query is no part of the path", get(target=b"/one?a=/../b"), OK, KEPT, body=b"1"),
    Row("9112 3.2.1", "a fragment is never sent", get(target=b"/one#a"), BAD, CLOSED),
    Row("9112 3.2.1", "a path without a slash", get(target=b"one"), BAD, CLOSED),
    Row("9112 3.2.2", "absolute form, whatever the Host", get(target=b"http://b:80/one"), OK, KEPT, body=b"1"),
    Row("9112 3.2.2", "absolute form needs a Host too", only(target=b"http://a/one"), BAD, CLOSED),
    Row("9112 3.2.2", "absolute form, bad Host", only(b"Host: a b", target=b"http://a/one"), BAD, CLOSED),
    Row("9112 3.2.2", "absolute form in HTTP/1.0", only(target=b"http://a/one", version=OLD), OK, CLOSED),
    Row("9112 3.2.2", "absolute form without a path", get(target=b"http://a"), OK, KEPT),
    Row("9110 4.2.3", "a scheme has no case", get(target=b"HTTP://a/one"), OK, KEPT),
    Row("9110 4.2.1", "absolute form without a host", get(target=b"http:///one"), BAD, CLOSED),
    Row("9110 4.2.4", "a password in the target", get(target=b"http://u:p@a/one"), BAD, CLOSED),
    Row("9110 7.4", "https on a plain connection", get(target=b"https://a/one"), (421,), CLOSED),
    Row("9110 7.4", "another scheme", get(target=b"ftp://a/one"), (421,), CLOSED),
    Row("9112 3.2.3", "authority form is for CONNECT", get(target=b"a:80"), BAD, CLOSED),
    Row("9110 9.3.6", "CONNECT opens no tunnel", get(method=b"CONNECT", target=b"a:80") + NEXT, (405,), CLOSED),
    Row("9112 3.2.4", "asterisk form is for OPTIONS", get(target=b"*"), BAD, CLOSED),
    Row("9112 3.2.4", "OPTIONS *", get(method=b"OPTIONS", target=b"*"), (405,), KEPT, ALLOW),
    Row("3986 2.1", "escapes", get(target=b"/%6fn%65"), OK, KEPT, body=b"1"),
    Row("3986 2.1", "half an escape", get(target=b"/one%4"), BAD, CLOSED),
    Row("3986 5.2.4", "dot segments", get(target=b"/./a/../one"), (404,), KEPT),  # no folder a, so no way through it
    Row("3986 5.2.4", "dot segments inside", get(target=b"/./one"), OK, KEPT, body=b"1"),
    Row("9110 17.3", "dot segments out of the root", get(target=b"/../outside.bin"), (404,), KEPT),
    Row("9110 17.3", "the same, escaped", get(target=b"/%2e%2e%2foutside.bin"), (404,), KEPT),
    Row("9110 17.3", "NUL in a path", get(target=b"/one%00.txt"), (404,), KEPT),
]

FRAMING = [
    Row("9112 6", "a pipeline", get() + get(target=b"/absent") + get(), (200, 404, 200), KEPT),
    Row("9112 6.3", "Content-Length 0 is no body", get(b"Content-Length: 0") + get(), (200, 200), KEPT),
    Row("9110 9.3.1", "GET with a body", get(NEXT_BYTES) + NEXT, BAD, CLOSED),
    Row("9110 9.3.2", "HEAD with a body", get(b"Content-Length: 1", method=b"HEAD") + b"x", BAD, CLOSED),
    Row("9112 7.1", "GET with chunks", get(CHUNKED) + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 7.1", "chunks in HTTP/1.0", get(CHUNKED, version=OLD) + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 6.1", "a coding that hides", get(b"Transfer-Encoding: \tchunked") + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 6.1", "a coding behind a control", get(b"Transfer-Encoding: \x0bchunked") + NEXT, BAD, CLOSED),
    Row("9112 6.1", "chunks in a folded line", get(b"X: a", b" " + CHUNKED) + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 5.1", "chunks, and a space before the colon", get(b"Transfer-Encoding : chunked") + NEXT, BAD, CLOSED),
    Row("9112 6.1", "a coding that is none", get(b"Transfer-Encoding: xchunked") + NEXT, BAD, CLOSED),
    Row("9112 6.1", "a coding that is not known", get(b"Transfer-Encoding: gzip") + NEXT, BAD, CLOSED),
    Row("9112 6.3", "length and chunks", get(b"Content-Length: 5", CHUNKED) + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 6.3", "chunks and length 0", get(CHUNKED, b"Content-Length: 0") + LAST_CHUNK + NEXT, BAD, CLOSED),
    Row("9112 6.3", "two lengths", get(b"Content-Length: 0", NEXT_BYTES) + NEXT, BAD, CLOSED),
    Row("9112 6.3", "a list of two lengths", get(b"Content-Length: 0, 44") + NEXT, BAD, CLOSED),
    *(
        Row("9112 6.3", f"Content-Length {length.decode()!r}", get(b"Content-Length: " + length) + NEXT, BAD, CLOSED)
        for length in (b"", b"-1", b"+1", b"0x0", b"1 0", b"ten", b"9" * 30, b"18446744073709551616")
    ),
    Row("9112 6.3", "POST with a body", get(NEXT_BYTES, method=b"POST") + NEXT, (405,), CLOSED, ALLOW),
    Row("9110 15.5.6", "POST without a body", get(b"Content-Length: 0", method=b"POST"), (405,), KEPT, ALLOW),
    Row("9110 9.1", "a method has a case", get(method=b"get"), (405,), CLOSED, ALLOW),
    Row("9110 9.1", "a method nobody knows", get(method=b"BREW"), (405,), CLOSED, ALLOW),
    Row("9110 10.1.1", "100-continue without a body", get(EXPECT), OK, KEPT),
    Row("9110 10.1.1", "100-continue in HTTP/1.0", get(EXPECT, version=OLD), OK, CLOSED),
    Row("9110 10.1.1", "100-continue, body to come", get(EXPECT, NEXT_BYTES, method=b"PUT"), (405,), CLOSED, ALLOW),
]

CONNECTIONS = [
    Row("9112 9.3", "HTTP/1.1 is kept", get(), OK, KEPT, {"connection": "keep-alive"}),
    Row("9112 9.6", "close", get(CLOSE) + NEXT, OK, CLOSED, {"connection": "close"}),
    Row("9110 7.6.1", "close in a list", get(b"Connection: x,\tClose , y") + NEXT, OK, CLOSED),
    Row("9110 7.6.1", "close in a second line", get(KEEP, CLOSE) + NEXT, OK, CLOSED),
    Row("9110 7.6.1", "closed is not close", get(b"Connection: closed"), OK, KEPT),
    Row("9112 9.3", "HTTP/1.0 is closed", get(version=OLD) + NEXT, OK, CLOSED, {"connection": "close"}),
    Row("9112 9.3", "HTTP/1.0, kept", get(KEEP, version=OLD), OK, KEPT),
    Row("9112 9.3", "HTTP/1.0, both", get(b"Connection: keep-alive, close", version=OLD) + NEXT, OK, CLOSED),
    Row("9110 7.8", "an upgrade may be ignored", get(*UPGRADE) + get(), (200, 200), KEPT),
    Row("9110 15.5.5", "404 keeps the connection", get(target=b"/absent"), (404,), KEPT, {"connection": "keep-alive"}),
]


ROWS = [*MESSAGES, *HOSTS, *TARGETS, *FRAMING, *CONNECTIONS]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_rfc_is_kept(any_port: int, row: Row) -> None:
    check(any_port, row)
