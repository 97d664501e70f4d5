"""TLS for the modes that encrypt: a socket that speaks TLS and behaves like a plain blocking one.

Its rule: the descriptor is blocking between calls, SO_RCVTIMEO and SO_SNDTIMEO raise BlockingIOError, and a peer that
has gone or speaks no TLS is ECONNRESET. OpenSSL alone would retry for ever on EAGAIN from a blocking descriptor. One
difference remains: everything given to one sendall() must get through within the send time-out.
"""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from servers.mechanisms.timeouts import timed_out, timeout_s

CERTIFICATE = Path(__file__).with_name("certificate.pem")

_OP_ENABLE_KTLS = 1 << 3  # SSL_OP_ENABLE_KTLS, ssl.OP_ENABLE_KTLS since Python 3.12
_TCP_ULP = 31  # linux/tcp.h; socket.TCP_ULP since Python 3.12
_SOL_TLS, _TLS_TX = 282, 1  # linux/socket.h, linux/tls.h
_CRYPTO_INFO_BYTES = 4  # struct tls_crypto_info: version and cipher, without the keys


class TlsSocket(ssl.SSLSocket):
    """The server's end of a TLS connection; the handshake happens at the first recv() or sendall()."""

    scheme = b"https"  # of the URLs that are served on it

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        with self._within(socket.SO_RCVTIMEO):
            return super().recv(size, flags)

    def sendall(self, data: bytes | memoryview, _flags: int = 0) -> None:  # type: ignore[override]
        with self._within(socket.SO_SNDTIMEO):
            super().sendall(data)

    def shutdown(self, how: int) -> None:
        """As for a plain socket; the end of sending is also announced in TLS (close_notify, RFC 8446 6.1)."""
        if how == socket.SHUT_WR:
            with contextlib.suppress(OSError, ValueError):  # the peer's own close_notify is not waited for
                self.settimeout(0)
                self.unwrap()
            self.settimeout(None)
        super().shutdown(how)

    @contextlib.contextmanager
    def _within(self, option: int) -> Iterator[None]:
        """Let OpenSSL wait as long as this time-out of the socket allows."""
        self.settimeout(timeout_s(self, option))
        try:
            yield
        except TimeoutError as error:
            raise timed_out() from error
        except ssl.SSLError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the peer ended the TLS connection, or broke it") from error
        finally:
            self.settimeout(None)


def wrapper(who: Literal["user", "kernel"]) -> Callable[[socket.socket], socket.socket]:
    """Turns an accepted socket into a TlsSocket. who encrypts: OpenSSL, or the kernel where it can (kTLS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # resumption is not what is measured
    context.load_cert_chain(CERTIFICATE)
    context.options &= ~_OP_ENABLE_KTLS  # openssl.cnf may have set it
    if who == "kernel":
        context.options |= _OP_ENABLE_KTLS
    context.sslsocket_class = TlsSocket

    def wrap(sock: socket.socket) -> socket.socket:
        return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True)

    return wrap


def require_kernel(sock: socket.socket) -> None:
    """Raises OSError, with the reason, unless the kernel encrypts what is written to this socket's descriptor."""
    with contextlib.suppress(OSError):
        sock.getsockopt(_SOL_TLS, _TLS_TX, _CRYPTO_INFO_BYTES)
        return
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_ULP, b"tls")
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise OSError(error.errno, "the kernel's tls module cannot be used") from error
    raise OSError(errno.EOPNOTSUPP, "OpenSSL gave no keys to the kernel: built without kTLS, or a cipher it lacks")
