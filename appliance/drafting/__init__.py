"""Drafting without a word processor: the 29 document types typeset by NĐ 30/2020/NĐ-CP, annex I.

``compose(checked(DraftText(...)))`` gives the PDF that an office would otherwise bring from elsewhere: number, day and
month blank, places for signature and seal, ready for the same door as any uploaded file.
"""

from appliance.drafting.forms import FORMS, DocumentForm, FormLine
from appliance.drafting.layout import compose
from appliance.drafting.model import CIRCULATION, DraftText, Enclosure, checked

__all__ = ["CIRCULATION", "FORMS", "DocumentForm", "DraftText", "Enclosure", "FormLine", "checked", "compose"]
