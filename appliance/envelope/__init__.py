"""Content for certain readers only (mã hóa nội dung, article 15): CMS with AES-256-GCM, RFC 5652, 5083 and 5084.

``seal`` writes, ``unseal`` reads; both know nothing of documents, devices or people.
"""

from appliance.envelope.keys import Opener, SoftwareKey
from appliance.envelope.read import Recipient, recipients, unseal
from appliance.envelope.write import may_receive, seal

__all__ = ["Opener", "Recipient", "SoftwareKey", "may_receive", "recipients", "seal", "unseal"]
