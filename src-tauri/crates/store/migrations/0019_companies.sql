-- Companies: whom contacts work for. A contact has at most one, and reads its values as its own.

-- folded: the name as names are compared. domain: as carillon_engine::companies reads it; no two have the same.
-- source and created_at are the provenance of every value that has no row in company_provenance.
CREATE TABLE companies(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  domain TEXT UNIQUE,
  source INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX companies_folded ON companies(folded);

-- One typed column a field of companies, f<id>, added at run time; money has f<id>c for its currency beside. Their keys in
-- fields begin with company.
CREATE TABLE company_fields(
  company INTEGER PRIMARY KEY
) STRICT;

-- Only values written after the company was made, or by another hand; field as in provenance.
CREATE TABLE company_provenance(
  company INTEGER NOT NULL,
  field INTEGER NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(company, field)
) WITHOUT ROWID, STRICT;

-- Which company a contact has: field 9 in provenance and import_changes.
ALTER TABLE contacts ADD COLUMN company_id INTEGER;
CREATE INDEX contacts_company ON contacts(company_id) WHERE company_id IS NOT NULL;

-- What an import found in companies that were there before, as import_changes.
CREATE TABLE import_company_changes(
  import INTEGER NOT NULL,
  company INTEGER NOT NULL,
  was TEXT NOT NULL,
  PRIMARY KEY(import, company)
) WITHOUT ROWID, STRICT;
