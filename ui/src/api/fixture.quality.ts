// Figures of how good the data is, made up for the development of the screens.

import type { Listeners } from "./fixture.answers";
import { DAY, NOW } from "./fixture.people";
import type { AskQuality } from "./gen/AskQuality";
import type { QualityContacts } from "./gen/QualityContacts";
import type { QualityDay } from "./gen/QualityDay";
import type { QualityField } from "./gen/QualityField";
import type { QualityShown } from "./gen/QualityShown";

const dayOf = (ago: number) => new Date(NOW - ago * DAY).toISOString().slice(0, 10);

/** Known of all, valid of those, tidy of those, at the beginning and by now, each a share. */
const FIELDS: [key: string, label: string, first: number[], now: number[]][] = [
  ["email", "E-mail", [1, 0.981, 1], [1, 0.997, 1]],
  ["first_name", "First name", [0.82, 0.98, 0.74], [0.91, 0.99, 0.97]],
  ["last_name", "Last name", [0.8, 0.99, 0.76], [0.9, 0.99, 0.97]],
  ["phone", "Phone", [0.41, 0.83, 0.2], [0.38, 0.9, 0.88]],
  ["country", "Country", [0.7, 0.96, 0.5], [0.97, 0.998, 1]],
  ["city", "City", [0.66, 1, 0.98], [0.64, 1, 0.99]],
  ["time_zone", "Time zone", [0.2, 1, 1], [0.2, 1, 1]],
  ["birthday", "Birthday", [0.07, 1, 1], [0.12, 1, 1]],
];

/** Days on which was measured, as many days ago: a fortnight without. */
const MEASURED = Array.from({ length: 84 }, (_, n) => 84 - n).filter((ago) => (ago < 30 || ago > 44) && ago % 9 !== 0);

function figures(all: number, [known = 0, valid = 0, tidy = 0]: readonly number[]) {
  const has = Math.round(all * known);
  const can = Math.round(has * valid);
  const good = Math.round(can * tidy);
  return { known: has, valid: can, tidy: good, score: Math.floor((good * 100) / all) };
}

/** Answers about the quality of the data, of the amount asked for. */
export function qualityAnswers({ empty, much, tell, job }: Listeners & { job: () => { job: number } }) {
  const all = much ? 1_000_000 : 5000;
  let measured = !empty;
  const field = ([key, label, first, now]: (typeof FIELDS)[number]): QualityField => {
    const days = MEASURED.filter((ago) => much || ago < 20 || ago === 60).map((ago): QualityDay => {
      const done = 1 - ago / 84;
      return {
        day: dayOf(ago),
        ...figures(
          all,
          first.map((share, n) => share + ((now[n] ?? share) - share) * done),
        ),
      };
    });
    return measured ? { key, label, now: figures(all, now), days } : { key, label, now: null, days: [] };
  };
  return {
    "cleansing.quality": (): QualityShown => ({
      measured: measured
        ? { day: dayOf(0), at: new Date(NOW - DAY / 8).toISOString(), contacts: all, pairs: much ? 1352 : null }
        : null,
      running: null,
      at_hand: measured,
      from: dayOf(89),
      to: dayOf(0),
      fields: [...FIELDS.map(field), ...(much ? [{ key: "shoe", label: "Shoe size", now: null, days: [] }] : [])],
    }),
    "cleansing.quality_contacts": ({ field: key, verdict, limit }: AskQuality): QualityContacts => ({
      at_hand: measured,
      rows: Array.from({ length: Math.min(limit, 60) }, (_, n) => ({
        id: n + 1,
        email: `p${n}@example.com`,
        value: { type: "text", value: verdict === "invalid" ? `${key} ?` : `  ${key} ${n}` },
      })),
      total: 1234,
    }),
    "cleansing.measure": () => {
      measured = true;
      tell("cleansing");
      return job();
    },
  };
}
