"""Authorities, certificates and revocation lists as members of a proof."""

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import crl, pem, x509

from appliance.office.desk import Desk
from appliance.office.proof.packages import BUS_CA
from appliance.office.proof.parts import Parts, Step

ROOTS, OTHERS = "chung-thu/goc.pem", "chung-thu/khac.pem"
_LIST, _ANSWER = "chung-thu/thu-hoi-", "chung-thu/ocsp-"


def add_certificates(desk: Desk, parts: Parts, subjects: Sequence[str]) -> None:
    """What was kept beside the document, and whom the box trusts."""
    marks = ", ".join("?" * len(subjects))
    rows = desk.db.execute(
        f"SELECT DISTINCT kind, sha256 FROM document_evidence WHERE subject IN ({marks}) ORDER BY kind, sha256",
        list(subjects),
    ).fetchall()
    kept = {
        kind: [desk.blobs.read(sha256) for other, sha256 in rows if other == kind] for kind in ("certificate", "crl")
    }
    roots = [one.dump() for one in desk.trust.roots]
    others = dict.fromkeys([*(one.dump() for one in desk.trust.intermediates), *kept["certificate"]])
    parts.put(ROOTS, _armoured("CERTIFICATE", roots))
    parts.put(OTHERS, _armoured("CERTIFICATE", [der for der in others if der not in roots]))
    commands = [(f"openssl crl2pkcs7 -nocrl -certfile {ROOTS} | openssl pkcs7 -print_certs -noout", "")]
    commands += [
        (f"openssl x509 -in {ROOTS} -noout -fingerprint -sha256", _fingerprint(roots[0])),
    ] if roots else []  # fmt: skip
    if desk.settings.bus_ca:
        authorities = desk.settings.bus_ca.read_bytes()
        parts.put(BUS_CA, authorities)
        commands.append(
            (f"openssl x509 -in {BUS_CA} -noout -fingerprint -sha256", _fingerprint(pem.unarmor(authorities)[2]))
        )
    for number, der in enumerate(kept["crl"], 1):
        parts.put(f"{_LIST}{number}.pem", pem.armor("X509 CRL", der))
    for number, (kind, sha256) in enumerate([row for row in rows if row[0] == "ocsp"], 1):
        parts.put(f"{_ANSWER}{number}.{kind}.der", sha256)
    parts.steps.append(
        Step(
            ("Chứng thư gốc: việc của người kiểm tra", "The authorities: for the reader to judge"),
            (
                "Các bước sau chỉ có giá trị khi những chứng thư này là thật. So dấu vân tay với nguồn khác gói này:"
                " Ban Cơ yếu Chính phủ công bố chứng thư gốc chữ ký, đơn vị vận hành trục công bố CA của trục.",
                "What follows holds only if these certificates are genuine. Compare their fingerprints with a source"
                " other than this package: who signs for the state publishes the root, who runs the bus its CA.",
            ),
            tuple(commands),
        )
    )


def add_revocation(parts: Parts) -> None:
    """Whether the signers' certificates were on a list that was kept; the lists are checked by their issuers."""
    signers = {
        name: data for name, data in parts.members.items() if name.startswith("chu-ky/") and name.endswith(".pem")
    }
    lists = {
        name: crl.CertificateList.load(pem.unarmor(data)[2])
        for name, data in parts.members.items()
        if name.startswith(_LIST) and isinstance(data, bytes)
    }
    commands = []
    for signer, data in signers.items():
        assert isinstance(data, bytes)
        issuer = x509.Certificate.load(pem.unarmor(data)[2]).issuer
        fitting = [
            (one["tbs_cert_list"]["this_update"].native, name) for name, one in lists.items() if one.issuer == issuer
        ]
        if fitting:
            at, name = max(fitting)
            commands.append(
                (
                    f"openssl verify -partial_chain -CAfile {ROOTS} -untrusted {OTHERS} -crl_check -CRLfile {name}"
                    f" -purpose any -attime {int(at.timestamp()) + 1} {signer}",
                    "OK",
                )
            )
    if commands:
        parts.steps.append(
            Step(
                ("Thu hồi chứng thư", "Revocation"),
                (
                    "Chứng thư của người ký chưa bị thu hồi theo danh sách mà trạm lưu (danh sách do chính tổ chức cấp"
                    " chứng thư ký; thời điểm xét là lúc danh sách được lập).",
                    "The signers' certificates were not revoked by the lists that the box kept (each signed by the"
                    " authority itself; judged as of the time that the list was made).",
                ),
                tuple(commands),
            )
        )


def _fingerprint(der: bytes) -> str:
    digits = x509.Certificate.load(der).sha256.hex().upper()
    return ":".join(digits[at : at + 2] for at in range(0, 64, 2))


def _armoured(label: str, ders: Sequence[bytes]) -> bytes:
    return b"".join(pem.armor(label, der) for der in ders)
