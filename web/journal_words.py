"""The journal's action words in Vietnamese."""

from __future__ import annotations

from appliance.errors import N_

ACTIONS: dict[str, str] = {
    "login.accepted": N_("Đăng nhập"),
    "login.refused": N_("Đăng nhập bị từ chối"),
    "device.register": N_("Đăng ký thiết bị ký số"),
    "device.wrong_pin": N_("Nhập sai mã PIN"),
    "outgoing.create": N_("Tạo dự thảo"),
    "outgoing.update": N_("Sửa dự thảo"),
    "outgoing.replace_file": N_("Thay tệp PDF"),
    "outgoing.file_refused": N_("Từ chối tệp tải lên"),
    "outgoing.place": N_("Chỉnh vị trí"),
    "outgoing.submit": N_("Trình ký"),
    "outgoing.give_back": N_("Trả lại"),
    "outgoing.send_back": N_("Trả lại vì thể thức"),
    "outgoing.withdraw": N_("Rút văn bản"),
    "outgoing.sign": N_("Ký số"),
    "outgoing.take_number": N_("Lấy số"),
    "outgoing.seal": N_("Đóng dấu số"),
    "outgoing.ask_to_sign_again": N_("Chuyển ký lại"),
    "outgoing.issue": N_("Phát hành"),
    "incoming.arrive": N_("Văn bản đến"),
    "incoming.duplicate": N_("Nhận trùng"),
    "incoming.accept": N_("Tiếp nhận"),
    "incoming.refuse": N_("Từ chối tiếp nhận"),
    "incoming.assign": N_("Phân công"),
    "incoming.start": N_("Bắt đầu xử lý"),
    "incoming.finish": N_("Hoàn thành"),
    "status.arrive": N_("Nhận trạng thái"),
    "inbox.quarantine": N_("Đưa vào cách ly"),
    "message.accepted": N_("Trục nhận gói tin"),
    "message.rejected": N_("Trục từ chối gói tin"),
}
