"""A proxy for clients whose hosts are fixed: ends the TLS of each and passes everything on to the emulator.

Such a client follows ``HTTPS_PROXY`` and ``SSL_CERT_FILE``, as most do. The certificate needs ``cryptography``.
"""

import datetime
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _certificate(hosts: tuple[str, ...], path: Path) -> Path:
    """A key and a certificate that vouches for itself, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "emulated vendor")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + built.public_bytes(pem))
    return path


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext, target: tuple[str, int], prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.tls, self.target, self.prefix = tls, target, prefix


class _Tunnel(socketserver.BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        try:
            _head(self.request)
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self.server.tls.wrap_socket(self.request, server_side=True) as inner:
                self._pass_on(inner)
        except OSError:
            pass  # either side may hang up at any time; the other one sees the connection end

    def _pass_on(self, inner: ssl.SSLSocket) -> None:
        head, body = _head(inner)
        first, *lines = head.split(b"\r\n")
        method, path, version = first.split(b" ")
        kept = [line for line in lines if not line.lower().startswith((b"host:", b"connection:"))]
        length = next((int(line[15:]) for line in kept if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += inner.recv(65536)
        host = b"host: %s:%d" % (self.server.target[0].encode(), self.server.target[1])
        asked = [
            b" ".join((method, self.server.prefix.encode() + path, version)),
            host,
            b"connection: close",
            *kept,
        ]
        with socket.create_connection(self.server.target) as emulator:
            emulator.sendall(b"\r\n".join(asked) + b"\r\n\r\n" + body)
            while answer := emulator.recv(65536):
                inner.sendall(answer)


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    """A request's head, and what came of its body with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            raise OSError("hung up")
        received += more
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


@contextmanager
def standing_in(hosts: tuple[str, ...], url: str, prefix: str, folder: Path) -> Iterator[dict[str, str]]:
    """A proxy for those hosts until the block ends; the environment that sends a client to it.

    Args:
        url: the emulator's.
        prefix: the vendor's path there, such as ``/fal``.
        folder: where the certificate is kept.
    """
    pem = _certificate(hosts, folder / "hosts.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    host, _, port = url.removeprefix("http://").partition(":")
    with _Proxy(tls, (host, int(port)), prefix) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}", "SSL_CERT_FILE": str(pem)}
        finally:
            proxy.shutdown()
            thread.join()
