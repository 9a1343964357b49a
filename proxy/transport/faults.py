"""What went wrong in TLS, in words for the operator instead of OpenSSL's own."""

import errno
import ssl

LATE = "is not TLS 1.2 or later"
_WORDS = {
    "HTTP_REQUEST": "the other side does not speak TLS",
    "HTTPS_PROXY_REQUEST": "the other side does not speak TLS",
    "WRONG_VERSION_NUMBER": "the other side does not speak TLS",
    "PACKET_LENGTH_TOO_LONG": "the other side does not speak TLS",
    "UNSUPPORTED_PROTOCOL": f"what the other side speaks {LATE}",
    "VERSION_TOO_LOW": f"what the other side speaks {LATE}",
    "TLSV1_ALERT_PROTOCOL_VERSION": f"what the other side speaks {LATE}",
    "NO_SHARED_CIPHER": "both sides have no cipher in common",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "both sides have no signature algorithm in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side showed no certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the other side wants a certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the other side refused the handshake: it may want a certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the other side does not trust who signed our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the other side finds our certificate bad",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the other side finds our certificate expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the other side does not accept our certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "our certificate is not for this purpose",
    "TLSV1_UNRECOGNIZED_NAME": "the other side does not know the name that it was asked for",
}


class TlsFault(OSError):
    """The connection cannot be used. ``strerror`` says why, in one line."""

    def __init__(self, words: str) -> None:
        super().__init__(errno.EPROTO, words)

    def __str__(self) -> str:
        return str(self.strerror)


def words_of(fault: ssl.SSLError) -> str:
    """What it means; the names are OpenSSL's reasons."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the other side's certificate is not good: {fault.verify_message.rstrip('.')}"
    if isinstance(fault, ssl.SSLEOFError):
        return "the other side hung up in the middle"
    reason = fault.reason or ""
    return _WORDS.get(reason) or f"TLS: {reason.lower().replace('_', ' ') or fault}"
