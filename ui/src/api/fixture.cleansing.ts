// Data that can be put right, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { at } from "./fixture.people";
import type { ApplyCleansing } from "./gen/ApplyCleansing";
import type { CleansingChange } from "./gen/CleansingChange";
import type { CleansingContact } from "./gen/CleansingContact";
import type { CleansingFound } from "./gen/CleansingFound";
import type { CleansingPage } from "./gen/CleansingPage";
import type { CleansingRule } from "./gen/CleansingRule";
import type { CleansingStep } from "./gen/CleansingStep";
import type { CleansingView } from "./gen/CleansingView";
import type { FindCleansing } from "./gen/FindCleansing";

const RULES: CleansingRule[] = ["spaces", "name_order", "name_case", "email_domain", "country", "phone", "post_code"];

type Made = [key: string, label: string, old: string | null, next: string, ...steps: CleansingStep[]];
const step = (rule: CleansingRule, reason: CleansingStep["reason"], about: string | null = null): CleansingStep => ({
  rule,
  reason,
  about,
});

const MADE: Made[][] = [
  [["first_name", "First name", "ANNA-LENA", "Anna-Lena", step("name_case", "capitals")]],
  [
    ["phone", "Phone", "030 901820", "+4930901820", step("phone", "country_of_contact", "DE")],
    ["country", "Country", "Deutschland", "DE", step("country", "country_name")],
  ],
  [["email", "E-mail", "p2@gmial.com", "p2@gmail.com", step("email_domain", "slip", "gmail.com")]],
  [
    ["first_name", "First name", "Weber, Otto", "Otto", step("name_order", "comma_in_name")],
    ["last_name", "Last name", null, "Weber", step("name_order", "comma_in_name")],
  ],
  [["plz", "Post code", "1067", "01067", step("post_code", "leading_zero", "DE")]],
  [["city", "City", "Bad  Homburg ", "Bad Homburg", step("spaces", "spaces")]],
];

function contact(n: number): CleansingContact {
  const changes = (MADE[n % MADE.length] ?? []).map(
    ([key, label, old, next, ...steps]): CleansingChange => ({
      key,
      label,
      old,
      new: next,
      steps,
      taken_by: key === "email" && n % 4 === 0 ? 7 : null,
      suppressed: key === "email" && n % 4 === 2,
    }),
  );
  return { id: n + 1, email: `p${n}@example.com`, changes };
}

const by = (of: CleansingContact, rules: readonly CleansingRule[]) =>
  of.changes.some((change) => change.steps.some((each) => rules.includes(each.rule)));

/** Answers about cleansings, of the amount asked for. */
export function cleansingAnswers({ empty, much, tell, job }: Listeners & { job: () => { job: number } }) {
  let people = empty ? [] : Array.from({ length: much ? 12_000 : 24 }, (_, n) => contact(n));
  let asked: FindCleansing = { where: null, country: "DE" };
  let run = 1;
  let past: CleansingView[] = empty
    ? []
    : [{ id: 1, at: at(12), contacts: 204, values: 311, cut_off: false, undone_at: null }];
  const found = (): CleansingFound | null =>
    empty
      ? null
      : {
          run,
          at: at(0.1),
          asked,
          looked_at: much ? 1_000_000 : 5000,
          contacts: people.length,
          rules: RULES.map((rule) => {
            const fields = new Map<string, { key: string; label: string; values: number }>();
            for (const change of people.flatMap((each) => each.changes)) {
              if (!change.steps.some((each) => each.rule === rule)) continue;
              const known = fields.get(change.key) ?? { key: change.key, label: change.label, values: 0 };
              fields.set(change.key, { ...known, values: known.values + 1 });
            }
            const all = [...fields.values()];
            return { rule, values: all.reduce((sum, field) => sum + field.values, 0), fields: all };
          }).filter((each) => each.values > 0),
        };
  const searched = () => {
    run += 1;
    tell("cleansing");
  };
  return {
    "cleansing.show": () => ({
      country: asked.country,
      countries: ["AT", "CH", "DE", "FR", "GB", "NL", "PL", "US"],
      found: found(),
      past,
      running: null,
    }),
    "cleansing.page": ({ rules, only, offset, limit }: CleansingPage) => {
      const shown = people.filter((each) => by(each, only === null ? rules : [only]));
      return {
        rows: shown.slice(offset, offset + limit),
        total: shown.length,
        accepted: people.filter((each) => by(each, rules)).length,
      };
    },
    "cleansing.find": (next: FindCleansing) => {
      asked = next;
      searched();
      return job();
    },
    "cleansing.apply": ({ rules }: ApplyCleansing) => {
      const done = people.filter((each) => by(each, rules));
      people = people.filter((each) => !done.includes(each));
      const values = done.reduce((sum, each) => sum + each.changes.length, 0);
      past = [
        { id: past.length + 1, at: at(0), contacts: done.length, values, cut_off: false, undone_at: null },
        ...past,
      ];
      searched();
      return job();
    },
    "cleansing.undo": ({ id }: { id: number }) => {
      past = past.map((each) => (each.id === id ? { ...each, undone_at: at(0) } : each));
      searched();
      return job();
    },
  };
}
