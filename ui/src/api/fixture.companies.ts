// Companies made up for the development of the screens.
import type { Commands, Req } from "./client";
import { at, noise } from "./fixture.people";
import { COMPANIES } from "./fixture.scores";
import type { Company } from "./gen/Company";
import type { CompanyNamed } from "./gen/CompanyNamed";
import type { CompanyRow } from "./gen/CompanyRow";
import type { CompanyScored } from "./gen/CompanyScored";
import type { Field } from "./gen/Field";

export const COMPANY_FIELDS: Field[] = [
  { key: "company.name", label: "Company", type: "text", built_in: true },
  { key: "company.domain", label: "Company domain", type: "text", built_in: true },
  { key: "company.industry", label: "Industry", type: "text", built_in: false },
  { key: "company.revenue", label: "Revenue", type: "money", built_in: false },
];

const WORDS = ["Nordlicht", "Bohne", "Hafen", "Quelle", "Werk", "Garten", "Brücke", "Insel"];
const FORMS = ["GmbH", "AG", "& Söhne", "Genossenschaft für Kaffee, Tee und Kolonialwaren", "OHG"];
const INDUSTRIES = ["Retail", "Gastronomy", "Logistics", "Education"];

export function company(id: number): CompanyRow {
  const word = WORDS[id % WORDS.length] ?? "Bohne";
  const known = noise(id) > 0.2;
  const contacts = Math.round(noise(id + 1) * 40);
  return {
    id,
    name: `${word} ${FORMS[(id * 3) % FORMS.length] ?? "GmbH"}`,
    domain: known ? `${word.toLowerCase().replace("ü", "ue")}${id}.example` : null,
    contacts,
    values: {
      "company.industry": { type: "text", value: INDUSTRIES[id % INDUSTRIES.length] ?? "Retail" },
      ...(known
        ? { "company.revenue": { type: "money", value: { minor: Math.round(noise(id + 2) * 9e8), currency: "EUR" } } }
        : {}),
    },
    scores: contacts === 0 ? {} : { score_engagement: Math.round(contacts * noise(id + 4) * 60) },
    created_at: at(noise(id + 3) * 300),
  };
}

/** What somebody reads of their company. */
export function readOf(contact: number): Company["fields"] {
  const named = companyOf(contact);
  return named === null ? [] : whole(named.id).fields;
}

/** The company somebody has, if any. */
export function companyOf(contact: number): CompanyNamed | null {
  if (noise(contact + 9) < 0.4) return null;
  const { id, name } = company(1 + (contact % 40));
  return { id, name };
}

const whole = (id: number): Company => {
  const row = company(id);
  const values = {
    "company.name": { type: "text" as const, value: row.name },
    ...(row.domain === null ? {} : { "company.domain": { type: "text" as const, value: row.domain } }),
    ...row.values,
  };
  return {
    id,
    name: row.name,
    domain: row.domain,
    fields: Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value, provenance: { source: "import:12", at: at(30) } }],
    ),
    created_at: row.created_at,
  };
};

/** What the made-up score says of a company: held at its most, or of nobody. */
function scored(id: number): CompanyScored {
  const rule = (n: number, points: number, count: number) => ({ key: `company_${n}`, points, count, last: null });
  const { contacts } = company(id);
  if (contacts === 0) {
    const rules = [rule(1, 15_000, 1), rule(2, 0, 0), rule(3, 0, 0)];
    return { total: 15, contacts, sum: 0, highest: null, rolled_up: 0, rules, limited: 0 };
  }
  const rules = [rule(1, 15_000, 1), rule(2, 20_000, 5), rule(3, 0, 2)];
  return { total: 100, contacts: 17, sum: 1204, highest: 96, rolled_up: 70_824, rules, limited: -5_824 };
}

/** Answers about companies: none of them, some, or very many. */
export function companiesAnswers(empty: boolean, much: boolean) {
  const total = empty ? 0 : much ? 84_000 : 64;
  let gone = empty
    ? []
    : [
        { id: 9001, name: "Nordlicht & Söhne", contacts: 12, at: at(0.2) },
        { id: 9000, name: "Hafen Genossenschaft für Kaffee, Tee und Kolonialwaren", contacts: 0, at: at(9) },
      ];
  const answers: { [K in keyof Commands]?: (args: Req<K>) => unknown } = {
    "companies.list": ({ offset, limit, search, without_contacts }) => {
      const found = search === null && !without_contacts ? total : Math.min(total, 3);
      return {
        rows: Array.from({ length: Math.max(0, Math.min(limit, found - offset)) }, (_, n) => company(offset + n + 1)),
        total: found,
      };
    },
    "companies.get": ({ id }) => ({
      company: whole(id),
      contacts: much ? 212_480 : company(id).contacts,
      scores: [{ id: 1, key: "score_engagement", name: "Engagement", model: COMPANIES, scored: scored(id) }],
    }),
    "companies.create": () => ({ id: 7 }),
    "companies.update": () => ({}),
    "companies.remove": () => ({ contacts: 3 }),
    "companies.removed": () => gone,
    "companies.restore": ({ id }) => {
      gone = gone.filter((each) => each.id !== id);
      return { contacts: 3, without_domain: id === 9000 };
    },
    "companies.connect": () => ({ changed: 1 }),
    "companies.connect_by_domain": () => ({ changed: 12 }),
  };
  return answers;
}
