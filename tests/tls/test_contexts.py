"""Files of certificates and keys: every mistake is told in one line that names the file."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.transport import contexts
from proxy.transport.contexts import CertificateFault, Dialled, Served
from tests.tls.authority import LONG_AGO, Authority, Papers


def fault_of(certificate: Path | None, key: Path | None, ca: Path | None = None) -> str:
    with pytest.raises(CertificateFault) as caught:
        Served(certificate, key, ca)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_good_files_are_loaded_and_nothing_is_to_be_warned_of(papers: Papers) -> None:
    served = Served(papers.certificate, papers.key, papers.ca)
    assert served.files == (papers.certificate, papers.key, papers.ca)
    assert served.context.verify_mode is ssl.CERT_REQUIRED
    assert served.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert served.context.options & ssl.OP_NO_RENEGOTIATION and served.context.options & ssl.OP_NO_COMPRESSION
    assert served.warnings == ()


def test_client_certificates_may_be_optional(papers: Papers) -> None:
    served = Served(papers.certificate, papers.key, papers.ca, optional=True)
    assert served.context.verify_mode is ssl.CERT_OPTIONAL
    assert Served(papers.certificate, papers.key, None).context.verify_mode is ssl.CERT_NONE


def test_a_key_may_stand_in_the_certificates_file(papers: Papers, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(papers.certificate.read_bytes() + papers.key.read_bytes())
    assert Served(both, None, None).files == (both,)


def test_a_file_that_is_not_there_is_named(papers: Papers, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    for fault in (
        fault_of(missing, papers.key),
        fault_of(papers.certificate, missing),
        fault_of(papers.certificate, papers.key, missing),
    ):
        assert fault == f"{missing}: No such file or directory"


def test_files_that_change_while_they_are_read_leave_all_as_it_was(
    papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "changing.key"
    key.write_bytes(papers.key.read_bytes())
    served = Served(papers.certificate, key, None)
    context, show = served.context, contexts._show

    def show_and_change(*given: Any) -> None:
        show(*given)
        key.write_text("half of a")

    monkeypatch.setattr(contexts, "_show", show_and_change)
    with pytest.raises(CertificateFault, match="it or its key is being changed just now"):
        served.renew()
    assert served.context is context


def test_a_directory_is_no_file(papers: Papers, tmp_path: Path) -> None:
    assert fault_of(tmp_path, papers.key) == f"{tmp_path}: Is a directory"


@pytest.mark.parametrize("text", [b"", b"nonsense", b"\x30\x82\x01\x0a", b"-----BEGIN NONSENSE-----\n"])
def test_what_is_not_pem_is_told(papers: Papers, tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "file.pem"
    file.write_bytes(text)
    assert fault_of(file, papers.key) == f"{file}: there is no certificate in it, in PEM"
    assert fault_of(papers.certificate, file) == f"{file}: there is no private key in it, in PEM"
    assert fault_of(papers.certificate, papers.key, file) == f"{file}: there is no certificate in it, in PEM"


def test_what_only_looks_like_pem_is_told(papers: Papers, tmp_path: Path) -> None:
    file = tmp_path / "file.pem"
    file.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert fault_of(file, papers.key) == f"{file}: a certificate in it cannot be read"
    assert fault_of(papers.certificate, papers.key, file) == f"{file}: a certificate in it cannot be read"
    file.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert fault_of(papers.certificate, file) == f"{file}: the key cannot be read"


def test_a_key_of_another_certificate_is_told(authority: Authority, papers: Papers) -> None:
    other = authority.issue(called="other")
    told = fault_of(papers.certificate, other.key)
    assert told == f"{other.key}: the key is not that of the certificate in {papers.certificate}"


def test_a_key_with_a_password_is_told_and_nobody_is_asked(papers: Papers, tmp_path: Path) -> None:
    key = load_pem_private_key(papers.key.read_bytes(), None)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        locked = tmp_path / "locked.pem"
        locked.write_bytes(key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret")))
        told = fault_of(papers.certificate, locked)
        assert told == f"{locked}: the key has a password, and nobody is there to type it"


def test_what_has_expired_or_will_soon_is_warned_of_and_served(authority: Authority) -> None:
    old = authority.issue(called="expired", not_after=LONG_AGO)
    assert Served(old.certificate, old.key, None).warnings == (
        f"{old.certificate}: the certificate has expired",
    )
    soon = authority.issue(called="soon", not_after=datetime.now(UTC) + timedelta(days=3))
    [warning] = Dialled(soon.certificate, soon.key, soon.ca).warnings
    assert warning.startswith(f"{soon.certificate}: the certificate expires on ")


def test_a_wrong_file_leaves_what_was_in_force(authority: Authority) -> None:
    papers = authority.issue(called="renewed")
    served = Served(papers.certificate, papers.key, papers.ca)
    before = served.context
    papers.key.write_text("no key any more")
    with pytest.raises(CertificateFault, match="no private key"):
        served.renew()
    assert served.context is before
    authority.issue(called="renewed")
    served.renew()
    assert served.context is not before


def test_whom_we_dial_must_show_a_certificate_for_the_name(papers: Papers) -> None:
    dialled = Dialled(None, None, papers.ca, server_name="redis.example.org")
    assert dialled.context.check_hostname and dialled.context.verify_mode is ssl.CERT_REQUIRED
    assert dialled.context.minimum_version is ssl.TLSVersion.TLSv1_2
