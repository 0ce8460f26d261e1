-- Where an office usually puts number, date and signature: what a drafter corrected by hand, used again when a draft's
-- text does not say it. One row per kind of document and layout; forgotten by deleting the row.
CREATE TABLE usual_place (
  organ_id TEXT NOT NULL REFERENCES organ(id), type_code TEXT NOT NULL,
  layout TEXT NOT NULL,           -- program and paper: 'libreoffice 210x297', 'scan 210x297'
  places TEXT NOT NULL,           -- JSON: 'SoVanBan' and 'NgayVanBan' → slots; 'ChuKyLanhDao' → rectangle, page from the end
  kept_by TEXT NOT NULL REFERENCES account(id), kept_at TEXT NOT NULL,
  PRIMARY KEY (organ_id, type_code, layout)
) STRICT;
