// Segments, made up for the development of the screens.

import { at, noise, person } from "./fixture.people";
import type { SegmentRow } from "./gen/SegmentRow";

interface Of {
  empty: boolean;
  /** Contacts of the workspace. */
  total: number;
}

/** Those that are saved. */
function savedSegments({ empty, total }: Of): SegmentRow[] {
  return empty
    ? []
    : [
        {
          id: 1,
          name: "New subscribers",
          text: 'tag "newsletter" and created_at in the last 30 days',
          count: Math.round(total * 0.041),
          used_by: 1,
          history: Array.from({ length: 30 }, (_, n) => 180 + n + Math.round(noise(n) * 30)),
          cuts: [],
          created_at: at(80),
        },
        {
          id: 2,
          name: "Bought twice",
          text: "did order at least 2 times in the last 90 days",
          count: Math.round(total * 0.18),
          used_by: 2,
          history: Array.from({ length: 30 }, (_, n) => 900 - n * 3 + Math.round(noise(n * 3) * 40)),
          cuts: [],
          created_at: at(70),
        },
        {
          id: 3,
          name: "Sleepers with permission",
          text: "consent email marketing and did order ever and did not order in the last 120 days",
          count: Math.round(total * 0.27),
          used_by: 0,
          history: Array.from({ length: 30 }, (_, n) => 1200 + n * 4),
          cuts: [],
          created_at: at(12),
        },
        {
          id: 4,
          name: "Best customers",
          text: "spent is in the top 10% EUR",
          count: Math.round(total * 0.1),
          used_by: 0,
          history: Array.from({ length: 30 }, (_, n) => 410 + n),
          cuts: ["among the top 10% by spent, from 412.00 EUR up"],
          created_at: at(9),
        },
      ];
}

export function segmentsAnswers({ empty, total }: Of) {
  const segments = savedSegments({ empty, total });
  return {
    "segments.list": () => segments,
    "segments.check": ({ text }: { text: string }) => {
      const wrong = text.indexOf("orderd");
      return wrong < 0
        ? { ok: true, canonical: text, error: null, hints: [] }
        : {
            ok: false,
            canonical: null,
            hints: [],
            error: {
              offset: wrong,
              length: 6,
              message: "There is no field called “orderd”.",
            },
          };
    },
    "segments.count": ({ text }: { text: string }) => {
      let offset = 0;
      const parts = text.split(/\s+and\s+/);
      const clauses = parts.map((part, n) => {
        const found = {
          offset: text.indexOf(part, offset),
          length: part.length,
          text: part,
          count: Math.round(total * (0.7 - n * 0.15)),
          ...(part.includes(" is in the top ") && { cut: "among the top 10% by spent, from 412.00 EUR up" }),
        };
        offset = found.offset + part.length;
        return found;
      });
      return { count: Math.round(total * noise(text.length) * 0.6), total, clauses, took_ms: 4, seq: 9 };
    },
    "segments.members": () => ({
      rows: Array.from({ length: Math.min(10, total) }, (_, n) => person(n * 37 + 5)),
      total,
    }),
    "segments.near": ({ text }: { text: string }) =>
      empty
        ? []
        : text.split(/\s+and\s+/).map((part, n) => ({
            text: part,
            count: Math.round(total * (0.2 - n * 0.05)) + 1,
            contacts: Array.from({ length: Math.min(5, total) }, (_, at) => person(at * 41 + n * 7 + 3)),
          })),
    "segments.overlap": ({ id }: { id: number | null }) =>
      segments
        .filter((each) => each.id !== id)
        .map((each, n) => ({
          id: each.id,
          name: each.name,
          count: each.count,
          shared: Math.round(each.count * noise(n + 3)),
        })),
    "segments.users": () => ({
      segments: segments.slice(1, 2).map(({ id, name }) => ({ id, name })),
      journeys: empty ? [] : [{ id: 1, name: "Welcome" }],
      campaigns: [],
      asks: [],
    }),
    "segments.why": () => ({
      holds: false,
      at: at(0),
      why: {
        text: "all of these",
        holds: false,
        until: null,
        seen: null,
        of: [
          { text: 'tag "newsletter"', holds: true, until: null, seen: "newsletter, vip", of: [] },
          {
            text: "did order at least 2 times in the last 90 days",
            holds: false,
            until: at(-4),
            seen: "once, on 3 October 2026",
            of: [],
          },
        ],
      },
    }),
  };
}
