/** Steps as text: what copy puts on the clipboard and paste takes from it, also from other journeys and programs. */
import type { Place } from "../api/gen/Place";
import type { Step } from "../api/gen/Step";
import type { Piece } from "./document";
import { JOURNEY_FORMAT } from "./drawing";

const PIECE_FORMAT = "carillon/steps/1";

/** Beyond this a paste is refused: 2 million characters or 2,000 steps. */
const MOST = { characters: 2_000_000, steps: 2_000 } as const;

/** A piece or the word for the sentence `journeys.paste.<why>`. */
export type Read = { ok: true; piece: Piece } | { ok: false; why: "not_steps" | "too_large" | "empty" };

export function pieceText(piece: Piece): string {
  return `${JSON.stringify({ format: PIECE_FORMAT, ...piece }, null, 2)}\n`;
}

/** Reads text from the clipboard: steps, or a whole journey file. Anything may stand there, so every part is checked. */
export function parsePiece(text: string): Read {
  if (text.length > MOST.characters) return { ok: false, why: "too_large" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: "not_steps" };
  }
  if (!isRecord(value) || (value.format !== PIECE_FORMAT && value.format !== JOURNEY_FORMAT)) {
    return { ok: false, why: "not_steps" };
  }
  if (!Array.isArray(value.steps)) return { ok: false, why: "not_steps" };
  if (value.steps.length === 0) return { ok: false, why: "empty" };
  if (value.steps.length > MOST.steps) return { ok: false, why: "too_large" };
  const steps: Step[] = [];
  for (const one of value.steps) {
    const step = readStep(one);
    if (!step || steps.some((other) => other.id === step.id)) return { ok: false, why: "not_steps" };
    steps.push(step);
  }
  const layout = readLayout(value.layout);
  return { ok: true, piece: layout ? { steps, layout } : { steps } };
}

function readStep(value: unknown): Step | null {
  if (!isRecord(value) || !isWord(value.id) || !isWord(value.kind)) return null;
  const step: Step = { id: value.id, kind: value.kind };
  if (value.name !== undefined) {
    if (typeof value.name !== "string") return null;
    if (value.name !== "") step.name = value.name.slice(0, 200);
  }
  if (value.settings !== undefined) {
    if (!isRecord(value.settings)) return null;
    step.settings = value.settings;
  }
  if (value.next !== undefined) {
    if (!isRecord(value.next)) return null;
    const next: Record<string, string> = {};
    for (const [port, to] of Object.entries(value.next)) {
      if (!isWord(port) || !isWord(to)) return null;
      next[port] = to;
    }
    step.next = next;
  }
  return step;
}

function readLayout(value: unknown): Record<string, Place> | undefined {
  if (!isRecord(value)) return undefined;
  const places: Record<string, Place> = {};
  for (const [id, at] of Object.entries(value)) {
    if (!isWord(id) || !isRecord(at) || !isNumber(at.x) || !isNumber(at.y)) continue;
    places[id] = { x: at.x, y: at.y };
  }
  return Object.keys(places).length > 0 ? places : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Ids, kinds and ports: short words that cannot touch an object's own machinery. */
function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9][\w.-]{0,79}$/.test(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 1e7;
}
