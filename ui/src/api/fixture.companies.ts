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
    scores: { score_engagement: scored(id, contacts).total },
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

/** What the made-up score says of a company with so many contacts. */
function scored(id: number, contacts: number): CompanyScored {
  const each = contacts === 0 ? 0 : Math.round(noise(id + 4) * 96);
  const buying = Math.round(contacts / 3);
  const retail = ["Retail", "Gastronomy"].includes(INDUSTRIES[id % INDUSTRIES.length] ?? "");
  const rule = (n: number, points: number, count: number, least: number) => ({
    key: `company_${n}`,
    points: count < least ? 0 : points,
    count,
    last: null,
  });
  const rules = [
    rule(1, 15_000, Number(retail), 1),
    rule(2, 20_000, buying, 3),
    rule(3, 5_000, Math.min(2, contacts), 10),
  ];
  const sum = rules.reduce((all, { points }) => all + points, each * 1_000);
  return {
    total: Math.min(100, sum / 1_000),
    contacts,
    sum: each * contacts,
    highest: contacts === 0 ? null : Math.min(100, each + 30),
    rolled_up: each * 1_000,
    rules,
    limited: Math.min(0, 100_000 - sum),
  };
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
      scores: [
        {
          id: 1,
          key: "score_engagement",
          name: "Engagement",
          model: COMPANIES,
          scored: scored(id, much ? 212_480 : company(id).contacts),
        },
      ],
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
