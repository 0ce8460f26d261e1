"""A signed PDF as a member of a proof, its signatures taken out for openssl."""

from __future__ import annotations

from asn1crypto import pem

from appliance.office.proof.parts import Parts, Step
from appliance.office.proof.pdfs import Found, signatures

_ROOTS, _OTHERS = "chung-thu/goc.pem", "chung-thu/khac.pem"


def add_signed(parts: Parts, name: str, sha256: str) -> None:
    """One PDF; a file without signatures is a member without a step."""
    parts.put(name, sha256)
    found = signatures(parts.blobs.read(sha256))
    if not found:
        return
    stem = name.rpartition("/")[2].removesuffix(".pdf")
    people = [one for one in found if not one.stamp]
    commands = [(f"pdfsig -nocert {name} | grep -c 'Signature is Valid'", str(len(people)))]
    for number, one in enumerate(found, 1):
        commands += _by_openssl(parts, name, f"chu-ky/{stem}-{number}", one)
    who = "; ".join(one.signer.subject.native.get("common_name", "?") for one in people)
    parts.steps.append(
        Step(
            (f"Chữ ký số trên {name}: {who}", f"The signatures on {name}: {who}"),
            (
                "pdfsig: không byte nào trong phần được ký đã đổi từ khi ký. openssl: chữ ký được lấy nguyên từ tệp PDF"
                " (OK), ký đúng những byte đó, bằng chứng thư chu-ky/….pem do tổ chức nêu ở bước trước"
                " cấp (CMS Verification successful, OK). KHÔNG chứng minh: thời điểm ký do người ký khai; chỉ dấu thời"
                " gian của bên thứ ba trên toàn tệp, nếu có (Verification: OK), chứng minh tệp đã có vào"
                " thời điểm trong dấu.",
                "pdfsig: no byte of what was signed has changed since. openssl: the signature is the one in the PDF"
                " (OK), it is over those bytes, by the certificate chu-ky/….pem of the authorities of the"
                " step before (CMS Verification successful, OK). NOT proven: the signing time is the signer's claim;"
                " only a third party's time stamp over the whole file, where there is one (Verification: OK), proves"
                " that the file existed"
                " at the time in it.",
            ),
            tuple(commands),
        )
    )


def _by_openssl(parts: Parts, name: str, base: str, one: Found) -> list[tuple[str, str]]:
    (first, before), (after, rest) = one.covers
    parts.put(f"{base}.p7s", one.cms)
    parts.put(f"{base}.pem", pem.armor("CERTIFICATE", one.signer.dump()))
    covered = f"{{ head -c {before} {name}; tail -c +{after + 1} {name} | head -c {rest}; }}"
    anchors = f"-CAfile {_ROOTS}"
    if one.stamp:
        judge = (
            f"openssl ts -verify -token_in -in {base}.p7s -data /dev/stdin {anchors} -untrusted {_OTHERS}"
            f" -attime {one.moment} 2>&1",
            "Verification: OK",
        )
    else:  # it names its signer only when it holds
        judge = (
            f"openssl cms -verify -binary -inform DER -in {base}.p7s -content /dev/stdin {anchors}"
            f" -certfile {_OTHERS} -purpose any -attime {one.moment} -out /dev/null -signer /dev/stdout"
            f" | cmp - {base}.pem && echo OK",
            "OK",
        )
    digits = after - (first + before)
    return [
        (
            f"tail -c +{first + before + 2} {name} | head -c {digits - 2} | tr a-f A-F | basenc --base16 -d"
            f" | head -c {len(one.cms)} | cmp - {base}.p7s && echo OK",
            "OK",
        ),
        (f"{covered} | {judge[0]}", judge[1]),
    ]
