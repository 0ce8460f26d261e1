"""The one table of what can go wrong between a person and a signing device.

Three columns: what PKCS#11 said (python-pkcs11's exception name, and the step it happened in), our code, and what we
tell the person. The module is imported by the small signer as well, so it knows PKCS#11 only by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.errors import N_, SignerError


@dataclass(frozen=True)
class Failure:
    """A code's sentences, with %(name)s of the signer's detail; ``permanent``: trying again unchanged cannot help."""

    message: str
    next_step: str
    permanent: bool = True


FAILURES: dict[str, Failure] = {
    "no_module": Failure(
        N_("Máy chưa có phần mềm điều khiển (trình PKCS#11) của thiết bị ký số"),
        N_("Báo cán bộ kỹ thuật cài trình điều khiển của thiết bị, rồi ký lại"),
    ),
    "no_token": Failure(
        N_("Không thấy thiết bị ký số đã đăng ký"),
        N_("Cắm đúng thiết bị ký số (USB Token) vào máy, chờ vài giây rồi ký lại"),
        permanent=False,
    ),
    "other_token": Failure(
        N_("Thiết bị đang cắm (%(plugged)s) không phải thiết bị ký số đã đăng ký cho việc này"),
        N_("Rút ra, cắm đúng thiết bị đã đăng ký rồi ký lại; nếu đã đổi thiết bị, báo cán bộ kỹ thuật đăng ký lại"),
        permanent=False,
    ),
    "no_key": Failure(
        N_("Thiết bị đang cắm không chứa khóa ký đã đăng ký"),
        N_("Kiểm tra xem có cắm nhầm thiết bị không; nếu chứng thư số vừa được cấp lại, đăng ký lại thiết bị"),
    ),
    "key_mismatch": Failure(
        N_("Khóa trên thiết bị không khớp với chứng thư số đã đăng ký"),
        N_("Đăng ký lại thiết bị với chứng thư số đang có trên thiết bị"),
    ),
    "wrong_pin": Failure(
        N_("Mã PIN không đúng"),
        N_("Kiểm tra phím Caps Lock và bộ gõ, rồi nhập lại; nhập sai nhiều lần thiết bị sẽ bị khóa"),
    ),
    "last_try": Failure(
        N_("Mã PIN không đúng; thiết bị chỉ còn cho nhập một lần nữa"),
        N_("Dừng lại và hỏi đúng mã PIN trước khi nhập tiếp: sai lần nữa thiết bị sẽ bị khóa"),
    ),
    "final_try": Failure(
        N_("Thiết bị chỉ còn cho nhập mã PIN một lần; mã PIN vừa nhập chưa được gửi đến thiết bị"),
        N_("Xem lại mã PIN; nếu chắc chắn thì đánh dấu “Tôi chấp nhận lần thử này” rồi ký lại"),
    ),
    "pin_locked": Failure(
        N_("Thiết bị ký số đã bị khóa vì nhập sai mã PIN quá số lần cho phép"),
        N_("Làm văn bản đề nghị cơ quan cấp chứng thư số mở khóa thiết bị"),
    ),
    "pin_expired": Failure(
        N_("Mã PIN của thiết bị chưa được đặt hoặc đã hết hạn"),
        N_("Đổi mã PIN bằng phần mềm của nhà cung cấp thiết bị, rồi ký lại"),
    ),
    "pin_refused": Failure(
        N_("Thiết bị không nhận mã PIN có độ dài hoặc ký tự như vừa nhập"),
        N_("Tắt bộ gõ tiếng Việt, kiểm tra số ký tự của mã PIN rồi nhập lại"),
    ),
    "cancelled": Failure(
        N_("Việc ký đã bị hủy hoặc bị từ chối trên thiết bị"),
        N_("Nếu thiết bị có nút hoặc cửa sổ xác nhận, ký lại và bấm đồng ý"),
        permanent=False,
    ),
    "removed": Failure(
        N_("Thiết bị ký số bị rút ra hoặc mất kết nối khi đang ký"),
        N_("Cắm chặt lại thiết bị rồi ký lại; văn bản chưa bị thay đổi"),
        permanent=False,
    ),
    "busy": Failure(
        N_("Thiết bị ký số đang bận ký văn bản khác"),
        N_("Chờ giây lát rồi ký lại"),
        permanent=False,
    ),
    "device_full": Failure(
        N_("Thiết bị ký số báo thiếu bộ nhớ"),
        N_("Rút thiết bị ra cắm lại rồi ký lại; nếu vẫn lỗi, báo cán bộ kỹ thuật"),
        permanent=False,
    ),
    "crashed": Failure(
        N_("Trình điều khiển thiết bị ký số bị lỗi và đã dừng"),
        N_("Ký lại; nếu vẫn lỗi, rút thiết bị ra cắm lại và báo cán bộ kỹ thuật"),
        permanent=False,
    ),
    "timeout": Failure(
        N_("Thiết bị ký số không trả lời trong thời gian cho phép"),
        N_("Rút thiết bị ra cắm lại rồi ký lại; nếu vẫn vậy, báo cán bộ kỹ thuật"),
        permanent=False,
    ),
    "unreachable": Failure(
        N_("Dịch vụ ký số của trạm đang không hoạt động"),
        N_("Chờ giây lát rồi ký lại; nếu vẫn vậy, báo cán bộ kỹ thuật khởi động lại dịch vụ ký số"),
        permanent=False,
    ),
    "unsupported": Failure(
        N_("Thiết bị không hỗ trợ thuật toán ký mà trạm dùng (RSA hoặc ECDSA với SHA-256)"),
        N_("Báo cán bộ kỹ thuật; có thể phải đổi thiết bị hoặc trình điều khiển"),
    ),
    "not_for_key": Failure(
        N_("Khóa trên thiết bị không mở được nội dung mã hóa này"),
        N_("Dùng đúng thiết bị của cơ quan nhận; nếu vẫn không được, đề nghị nơi gửi gửi lại"),
    ),
    "unknown": Failure(
        N_("Thiết bị ký số báo lỗi không xác định"),
        N_("Rút thiết bị ra cắm lại rồi ký lại; nếu vẫn lỗi, báo cán bộ kỹ thuật"),
        permanent=False,
    ),
}

# python-pkcs11 exception (one per CKR code it knows) -> code, whatever the step it came from.
BY_EXCEPTION: dict[str, str] = {
    # The PIN.
    "PinIncorrect": "wrong_pin",
    "PinInvalid": "pin_refused",
    "PinLenRange": "pin_refused",
    "PinTooWeak": "pin_expired",
    "PinLocked": "pin_locked",
    "PinExpired": "pin_expired",
    "UserPinNotInitialized": "pin_expired",
    # The device.
    "NoSuchToken": "no_token",
    "TokenNotRecognised": "no_token",
    "SlotIDInvalid": "no_token",
    "MultipleTokensReturned": "no_token",
    "DeviceRemoved": "removed",
    "TokenNotPresent": "removed",
    "DeviceError": "removed",
    "SessionClosed": "removed",
    "SessionHandleInvalid": "removed",
    "ObjectHandleInvalid": "removed",
    "KeyHandleInvalid": "removed",
    "UserNotLoggedIn": "removed",
    "OperationNotInitialized": "removed",
    "DeviceMemory": "device_full",
    "HostMemory": "crashed",
    "FunctionCancelled": "cancelled",
    "FunctionRejected": "cancelled",
    # Somebody else is using it.
    "UserAlreadyLoggedIn": "busy",
    "AnotherUserAlreadyLoggedIn": "busy",
    "UserTooManyTypes": "busy",
    "SessionCount": "busy",
    "SessionExists": "busy",
    "SessionReadWriteSOExists": "busy",
    "SessionReadOnlyExists": "busy",
    "OperationActive": "busy",
    # The key.
    "NoSuchKey": "no_key",
    "MultipleObjectsReturned": "no_key",
    # What it should open.
    "EncryptedDataInvalid": "not_for_key",
    "EncryptedDataLenRange": "not_for_key",
    # What the device cannot do.
    "MechanismInvalid": "unsupported",
    "MechanismParamInvalid": "unsupported",
    "KeyTypeInconsistent": "unsupported",
    "KeySizeRange": "unsupported",
    "FunctionNotSupported": "unsupported",
    "DataLenRange": "unsupported",
    "DataInvalid": "unsupported",
    "DomainParamsInvalid": "unsupported",
    "KeyIndigestible": "unsupported",
}

# These say nothing by themselves: the step decides, else 'unknown'.
VAGUE = frozenset({"PKCS11Error", "GeneralError", "FunctionFailed", "ArgumentsBad"})

# Answers to what the signer never asks (making, wrapping, importing keys; verifying; random numbers;
# events). A driver that gives one of them is not in order.
NEVER_ASKED = frozenset(
    {
        "AttributeReadOnly", "AttributeSensitive", "AttributeTypeInvalid", "AttributeValueInvalid",
        "ExceededMaxIterations", "KeyNeeded", "KeyNotNeeded",
        "KeyNotWrappable", "KeyUnextractable", "NoEvent", "PublicKeyInvalid", "RandomNoRNG", "RandomSeedNotSupported",
        "SessionReadOnly", "SignatureInvalid", "SignatureLenRange", "TemplateIncomplete", "TemplateInconsistent",
        "TokenWriteProtected", "UnwrappingKeyHandleInvalid", "UnwrappingKeySizeRange", "UnwrappingKeyTypeInconsistent",
        "WrappedKeyInvalid", "WrappedKeyLenRange", "WrappingKeyHandleInvalid", "WrappingKeySizeRange",
        "WrappingKeyTypeInconsistent",
    }
)  # fmt: skip

# What a step's failure means when the exception itself says nothing.
BY_STEP: dict[str, str] = {"load": "no_module", "find": "no_token", "key": "no_key", "open": "not_for_key"}


def code_for(exception_name: str, step: str) -> str:
    """The table's code for what python-pkcs11 raised in ``step`` ('load', 'find', 'login', 'key', 'sign' or 'open').

    A CKR code that python-pkcs11 does not know, such as a maker's own, comes as a plain PKCS11Error.
    """
    if exception_name in NEVER_ASKED:
        return "unknown"
    return BY_EXCEPTION.get(exception_name) or BY_STEP.get(step, "unknown")


def signer_error(code: str, detail: dict[str, Any] | None = None) -> SignerError:
    """The exception a person sees for ``code``; a code from a newer signer counts as 'unknown'.

    ``detail``: what the signer adds, such as 'plugged', the labels of the devices found instead.
    """
    known = code if code in FAILURES else "unknown"
    failure = FAILURES[known]
    params = {"plugged": _listed(detail)} if known == "other_token" else {}
    return SignerError(failure.message, code=known, next_step=failure.next_step, permanent=failure.permanent, **params)


def _listed(detail: dict[str, Any] | None) -> str:
    """The labels of the devices that are plugged in, quoted."""
    return ", ".join(f"“{label}”" for label in (detail or {}).get("plugged", ())) or N_("thiết bị lạ")
