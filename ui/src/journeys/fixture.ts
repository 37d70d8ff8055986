/**
 * Journeys for work on the screens alone: a welcome series, an empty draft and large drawings, with numbers that
 * follow from the drawing. Loaded by the fixture host and by tests, never shipped.
 */
import type { Fact } from "../api/gen/Fact";
import type { Journey } from "../api/gen/Journey";
import type { JourneyState } from "../api/gen/JourneyState";
import type { Problem } from "../api/gen/Problem";
import type { Step } from "../api/gen/Step";
import { catalogueOf } from "./catalogue";
import type { JourneyCommands, JourneyRow, JourneyView, SimReport, StepCounts } from "./commands.draft";
import { blankJourney, graphOf, isEntry, stepOf } from "./drawing";
import { FACES } from "./fixture.catalogue";
import { dice } from "./testing";

const catalogue = catalogueOf(FACES);
const NOW = "2026-11-22T14:05:00Z";

/** The sample's welcome series. */
export const WELCOME: Journey = {
  format: "carillon/journey/1",
  name: "Welcome series",
  re_entry: { policy: "never" },
  exit_when: [{ when: 'tag "staff"', reason: "staff" }],
  steps: [
    { id: "s1", kind: "entry_segment", settings: { segment: "New subscribers", on: "entered" }, next: { next: "s2" } },
    { id: "s2", kind: "send_email", settings: { template: "welcome-1" }, next: { next: "s3" } },
    { id: "s3", kind: "wait", settings: { for: { amount: 3, unit: "days" } }, next: { next: "s4" } },
    {
      id: "s4",
      kind: "if_else",
      name: "Bought already?",
      settings: { when: "did order in the last 3 days" },
      next: { yes: "s5", no: "s6" },
    },
    { id: "s5", kind: "add_tag", settings: { tag: "early buyer" }, next: { next: "s8" } },
    {
      id: "s6",
      kind: "send_email",
      name: "First-order offer",
      settings: { template: "first-order" },
      next: { next: "s7" },
    },
    {
      id: "s7",
      kind: "wait_event",
      settings: { event: "order", timeout: { amount: 2, unit: "weeks" } },
      next: { happened: "s8", timed_out: "s8" },
    },
    { id: "s8", kind: "exit", settings: { reason: "welcomed" } },
  ],
};

const WIN_BACK: Journey = {
  ...blankJourney("Win back sleepers"),
  re_entry: { policy: "after_days", days: 180 },
  steps: [
    { id: "s1", kind: "entry_segment", settings: { segment: "Sleepers", on: "entered" }, next: { next: "s2" } },
    {
      id: "s2",
      kind: "random",
      settings: {
        branches: [
          { port: "a", name: "Story", percent: 45 },
          { port: "b", name: "Voucher", percent: 45 },
          { port: "c", name: "Holdout", percent: 10 },
        ],
      },
      next: { a: "s3", b: "s4", c: "s6" },
    },
    { id: "s3", kind: "send_email", settings: { template: "win-back-story" }, next: { next: "s5" } },
    { id: "s4", kind: "send_email", settings: { template: "win-back-voucher" }, next: { next: "s5" } },
    { id: "s5", kind: "wait", settings: { for: { amount: 10, unit: "days" } }, next: { next: "s6" } },
    { id: "s6", kind: "goal", settings: { when: "did order in the last 14 days" }, next: { next: "s7" } },
    { id: "s7", kind: "exit" },
  ],
};

/** A drawing of `count` steps that could be somebody's: chains with splits, most of which come together again. */
export function largeJourney(count: number): Journey {
  const doc = blankJourney(`A journey of ${count} steps`);
  const roll = dice(count);
  const make = (kind: string, settings: Record<string, unknown>): Step => {
    const step: Step = { id: `s${doc.steps.length + 1}`, kind, settings };
    doc.steps.push(step);
    return step;
  };
  type Open = { step: Step; port: string };
  const lead = (open: readonly Open[], to: Step) => {
    for (const { step, port } of open) step.next = { ...step.next, [port]: to.id };
  };
  const plain = (open: readonly Open[]): Open[] => {
    const n = doc.steps.length;
    const step =
      roll() < 0.45
        ? make("send_email", { template: n % 7 === 0 ? "welcome-1" : "first-order" })
        : roll() < 0.6
          ? make("wait", { for: { amount: 1 + Math.floor(roll() * 9), unit: "days" } })
          : make("add_tag", { tag: `stage ${n}` });
    lead(open, step);
    return [{ step, port: "next" }];
  };
  const chain = (begin: readonly Open[], budget: number, depth: number): Open[] => {
    let open = [...begin];
    const end = doc.steps.length + budget;
    while (doc.steps.length < end) {
      const rest = end - doc.steps.length;
      if (rest < 8 || roll() < 0.55 || depth > 4) {
        open = plain(open);
        continue;
      }
      const ports = roll() < 0.7 ? ["yes", "no"] : ["a", "b", "else"];
      const split =
        ports.length === 2
          ? make("if_else", { when: "did order in the last 30 days" })
          : make("split", {
              branches: [
                { port: "a", name: "VIP", when: 'tag "vip"' },
                { port: "b", name: "Bonn", when: 'city is "Bonn"' },
              ],
            });
      lead(open, split);
      const share = Math.max(1, Math.floor((rest - 1) / (ports.length * (depth === 0 ? 4 : 1.6))));
      open = ports.flatMap((port) =>
        chain([{ step: split, port }], Math.max(1, Math.floor(share * (0.5 + roll()))), depth + 1),
      );
    }
    return open;
  };
  const entry = make("entry_segment", { segment: "New subscribers", on: "entered" });
  const open = chain([{ step: entry, port: "next" }], count - 2, 0);
  lead(open, make("exit", { reason: "done" }));
  return doc;
}

type Kept = { view: JourneyView; row: JourneyRow };
type Answers = { [K in keyof JourneyCommands]?: (args: JourneyCommands[K]["req"]) => JourneyCommands[K]["res"] };

/** Answers of the journeys' commands over a small world in memory. */
export function journeyFixture(): Answers {
  const kept = new Map<number, Kept>();
  const put = (id: number, document: Journey, state: JourneyState, version: number | null, days: number) => {
    const problems = check(document);
    const active = version === null ? 0 : sum(counts(document, 9).map((step) => step.waiting));
    const updated_at = new Date(Date.parse(NOW) - days * 86_400_000).toISOString();
    const view: JourneyView = {
      id,
      document,
      revision: 1,
      state,
      version,
      published_at: version === null ? null : updated_at,
      changed: false,
      problems,
      used_steps: document.steps.map((step) => step.id),
      active,
    };
    kept.set(id, { view, row: rowOf(view, updated_at) });
    return view;
  };
  put(1, WELCOME, "live", 2, 3);
  put(2, blankJourney("Birthday treat"), "draft", null, 0);
  put(3, WIN_BACK, "paused", 1, 20);
  put(4, largeJourney(300), "draft", null, 40);
  put(5, largeJourney(1000), "live", 1, 41);
  const get = (id: number): Kept => {
    const one = kept.get(id);
    if (!one) throw { code: "not_found", message: "There is no such journey." };
    return one;
  };
  const change = (id: number, state: JourneyState) => {
    const one = get(id);
    one.view = { ...one.view, state };
    one.row = { ...one.row, state };
    return null;
  };
  return {
    "journeys.catalogue": () => FACES,
    "journeys.words": () => ({
      events: ["order", "cart", "visit", "newsletter_click"],
      tags: ["vip", "early buyer", "staff"],
    }),
    "journeys.list": () => [...kept.values()].map(({ row }) => row),
    "journeys.get": ({ id }) => get(id).view,
    "journeys.save": ({ id, document, revision }) => {
      if (id === null) {
        const view = put(Math.max(...kept.keys()) + 1, document, "draft", null, 0);
        return { id: view.id, revision: 1, problems: view.problems };
      }
      const one = get(id);
      if (revision !== one.view.revision) throw { code: "stale", message: "The journey was saved elsewhere." };
      const changed =
        JSON.stringify(graphOf(document)) !== JSON.stringify(graphOf(one.view.document)) || one.view.changed;
      one.view = { ...one.view, document, revision: one.view.revision + 1, problems: check(document), changed };
      one.row = { ...rowOf(one.view, NOW), updated_at: NOW };
      return { id, revision: one.view.revision, problems: one.view.problems };
    },
    "journeys.check": ({ document }) => check(document),
    "journeys.publish_preview": ({ id }) => {
      const { view } = get(id);
      return {
        problems: view.problems,
        version: (view.version ?? 0) + 1,
        enter_now: view.document.steps.length * 103,
        inside: view.version === null ? [] : [{ version: view.version, people: view.active }],
        most_mails: view.document.steps.filter((step) => step.kind === "send_email").length,
      };
    },
    "journeys.publish": ({ id }) => {
      const one = get(id);
      const version = (one.view.version ?? 0) + 1;
      one.view = { ...one.view, state: "live", version, changed: false };
      one.row = rowOf(one.view, NOW);
      return { version };
    },
    "journeys.pause": ({ id }) => change(id, "paused"),
    "journeys.resume": ({ id }) => change(id, "live"),
    "journeys.drain": ({ id }) => change(id, "draining"),
    "journeys.stop": ({ id }) => change(id, "stopped"),
    "journeys.duplicate": ({ id, name }) => ({
      id: put(Math.max(...kept.keys()) + 1, { ...get(id).view.document, name }, "draft", null, 0).id,
    }),
    "journeys.delete": ({ id }) => {
      kept.delete(id);
      return null;
    },
    "journeys.export": () => ({ path: null, ticket: null }),
    "journeys.import": () => ({ id: put(Math.max(...kept.keys()) + 1, WELCOME, "draft", null, 0).id, problems: [] }),
    "journeys.counts": ({ id }) => (get(id).view.version === null ? [] : counts(get(id).view.document, id)),
    "journeys.simulate": ({ document, days, seed, start }) => simulate(document, days, seed, start ?? NOW),
    "journeys.try": ({ document, contact }) => ({
      contact: { id: "id" in contact ? contact.id : 1, email: "email" in contact ? contact.email : "ada@example.com" },
      from: NOW,
      facts: walk(document),
      refused: document.steps.some((step) => isEntry(step.kind)) ? null : "nobody can come in",
    }),
    "journeys.path": () => ({ document: WELCOME, facts: walk(WELCOME) }),
  };
}

function rowOf(view: JourneyView, updated_at: string): JourneyRow {
  const live = view.version !== null;
  return {
    id: view.id,
    name: view.document.name,
    state: view.state,
    version: view.version,
    changed: view.changed,
    active: view.active,
    entered_30_days: live ? 812 : 0,
    sent_30_days: live ? 2044 : 0,
    updated_at,
    errors: view.problems.filter((problem) => problem.severity === "error").length,
    warnings: view.problems.filter((problem) => problem.severity === "warning").length,
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The checks that need no workspace: open ports, steps nobody reaches, missing settings, no entry. */
export function check(doc: Journey): Problem[] {
  const problems: Problem[] = [];
  const led = new Set(doc.steps.flatMap((step) => Object.values(step.next ?? {})));
  const add = (code: string, step: string | null, field: string | null, params: Record<string, string> = {}) =>
    problems.push({
      severity: "error",
      code,
      step,
      field,
      params: { step: step ?? "", field: field ?? "", ...params },
    });
  if (!doc.steps.some((step) => isEntry(step.kind))) add("no_entry", null, null);
  for (const step of doc.steps) {
    if (!isEntry(step.kind) && !led.has(step.id)) add("unreachable", step.id, null);
    for (const port of catalogue.portsOf(step)) {
      if (step.next?.[port] === undefined && step.kind !== "goal") add("dangling", step.id, null, { port });
    }
    for (const setting of catalogue.of(step.kind)?.settings ?? []) {
      if (setting.required && step.settings?.[setting.name] === undefined) {
        add("bad_settings", step.id, setting.name, { message: "it is missing" });
      }
    }
  }
  return problems;
}

/** People by step: 8,112 come in and part at every split by fixed shares. */
function flow(doc: Journey, seed: number): Map<string, { entered: number; shares: Map<string, number> }> {
  const roll = dice(seed);
  const result = new Map(
    doc.steps.map((step) => [step.id, { entered: isEntry(step.kind) ? 8112 : 0, shares: new Map<string, number>() }]),
  );
  for (const step of doc.steps) {
    const here = result.get(step.id);
    const ports = catalogue.portsOf(step);
    if (!here) continue;
    let rest = Math.round(here.entered * 0.97);
    ports.forEach((port, at) => {
      const share = at === ports.length - 1 ? rest : Math.round(rest * (0.3 + roll() * 0.4));
      rest -= share;
      here.shares.set(port, share);
      const to = result.get(step.next?.[port] ?? "");
      if (to) to.entered += share;
    });
  }
  return result;
}

const waits = (step: Step) => step.kind.startsWith("wait");

function counts(doc: Journey, seed: number): StepCounts[] {
  const people = flow(doc, seed);
  return doc.steps.map((step) => {
    const { entered, shares } = people.get(step.id) ?? { entered: 0, shares: new Map() };
    return {
      step: step.id,
      entered,
      waiting: waits(step) ? Math.round(entered * 0.12) : 0,
      left: Object.fromEntries(shares),
    };
  });
}

function simulate(doc: Journey, days: number, seed: number, from: string): SimReport {
  const people = flow(doc, seed);
  const grow = (total: number, delay: number) =>
    Array.from({ length: days }, (_, day) => Math.round(total * Math.min(1, Math.max(0, (day + 1 - delay) / days))));
  const depth = new Map<string, number>();
  for (const step of doc.steps) {
    for (const to of Object.values(step.next ?? {})) {
      depth.set(to, Math.max(depth.get(to) ?? 0, (depth.get(step.id) ?? 0) + (waits(step) ? 3 : 0)));
    }
  }
  const steps = doc.steps.map((step) => {
    const { entered, shares } = people.get(step.id) ?? { entered: 0, shares: new Map<string, number>() };
    const delay = Math.min(days - 1, depth.get(step.id) ?? 0);
    const list = grow(entered, delay);
    return {
      step: step.id,
      entered: list,
      waiting: list.map((now, day) => (waits(step) ? now - (list[Math.max(0, day - 3)] ?? 0) : 0)),
      left: Object.fromEntries([...shares].map(([port, total]) => [port, grow(total, delay)])),
    };
  });
  const roll = dice(seed);
  const mails = doc.steps.filter((step) => step.kind === "send_email").length;
  const entered = doc.steps.length === 0 ? 0 : 8112;
  return {
    from,
    days,
    seed,
    contacts: 50_000,
    entered,
    ended: [
      { end: "completed", count: Math.round(entered * 0.81) },
      { end: "exit_rule", count: Math.round(entered * 0.04) },
    ],
    inside: Math.round(entered * 0.15),
    steps,
    mails_by_day: Array.from({ length: days }, (_, day) =>
      Math.round(mails * 40 * (0.6 + roll() * 0.5) * (day % 7 > 4 ? 0.4 : 1) * Math.min(1, (day + 1) / 5)),
    ),
    stuck: doc.steps.filter((step) => step.kind === "wait_date").map((step) => ({ step: step.id, count: 12 })),
    millis: 184,
  };
}

function walk(doc: Journey): Fact[] {
  const facts: Fact[] = [];
  let at = Date.parse(NOW);
  let step = doc.steps.find((one) => isEntry(one.kind));
  for (let n = 0; step && n < 40; n += 1) {
    const when = () => new Date(at).toISOString();
    facts.push({ step: step.id, at: when(), fact: "entered", visit: 1 });
    if (step.kind === "send_email") {
      facts.push({
        step: step.id,
        at: when(),
        fact: "did",
        effect: { effect: "send", template: step.settings?.template },
      });
    }
    if (waits(step)) {
      facts.push({ step: step.id, at: when(), fact: "waiting", until: new Date(at + 3 * 86_400_000).toISOString() });
      at += 3 * 86_400_000;
    }
    const ports = catalogue.portsOf(step);
    const port = ports[ports.length - 1];
    const next: Step | undefined = port === undefined ? undefined : stepOf(doc, step.next?.[port] ?? "");
    if (port === undefined || !next) {
      facts.push({
        step: step.id,
        at: when(),
        fact: "ended",
        end: { end: "completed", reason: String(step.settings?.reason ?? "") },
      });
      break;
    }
    const because = step.kind === "if_else" ? [{ about: String(step.settings?.when), value: "false" }] : [];
    facts.push({ step: step.id, at: when(), fact: "left", port, because });
    step = next;
  }
  return facts;
}
