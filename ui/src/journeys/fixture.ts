/**
 * Journeys for work on the screens alone: a welcome series, an empty draft and large drawings, with numbers that
 * follow from the drawing. Loaded by the fixture host and by tests, never shipped.
 */

import type { Named } from "@/api/gen/Named";
import type { Commands } from "../api/gen/Commands";
import type { Fact } from "../api/gen/Fact";
import type { JobView } from "../api/gen/JobView";
import type { Journey } from "../api/gen/Journey";
import type { JourneyRow } from "../api/gen/JourneyRow";
import type { JourneyState } from "../api/gen/JourneyState";
import type { JourneyView } from "../api/gen/JourneyView";
import type { Problem } from "../api/gen/Problem";
import type { SimReport } from "../api/gen/SimReport";
import type { Step } from "../api/gen/Step";
import type { StepCounts } from "../api/gen/StepCounts";
import type { Topic } from "../api/words";
import { catalogueOf } from "./catalogue";
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

const PEOPLE: Named[] = ["ada", "grace", "edsger"].map((name, at) => ({ id: at + 1, email: `${name}@example.com` }));

/** Numbers of this fixture's jobs begin here, so that they are not mistaken for others. */
const FIRST_JOB = 1_000_000;
const results = new Map<number, SimReport | Named[]>();

/** A simulation as `jobs.get` tells of it; `null`: no job of this fixture. */
export function journeyJob(id: number): JobView | null {
  const result = results.get(id);
  if (!result) return null;
  return {
    id,
    what: "journeys.simulate",
    state: "done",
    done: 1,
    total: 1,
    phase: "simulating",
    started_at: NOW,
    result,
    error: null,
  };
}
type Answers = { [K in keyof Commands]?: (args: Commands[K]["req"]) => Commands[K]["res"] };

/** Answers of the journeys' commands over a small world in memory. */
export function journeyFixture(tell: (topic: Topic) => void = () => {}): Answers {
  const kept = new Map<number, Kept>();
  const put = (id: number, document: Journey, state: JourneyState, version: number | null, days: number) => {
    const updated_at = new Date(Date.parse(NOW) - days * 86_400_000).toISOString();
    const view: JourneyView = {
      id,
      name: document.name,
      state,
      version,
      changed: false,
      document,
      revision: 1,
      problems: check(document),
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
    tell("journeys");
    return { state };
  };
  return {
    "journeys.catalogue": () => FACES,
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
      one.row = rowOf(one.view, NOW);
      tell("journeys");
      return { id, revision: one.view.revision, problems: one.view.problems };
    },
    "journeys.check": ({ document }) => check(document),
    "journeys.entering": ({ id }) => ({ now: get(id).view.document.steps.length * 103, inside: get(id).row.active }),
    "journeys.publish": ({ id }) => {
      const one = get(id);
      const version = (one.view.version ?? 0) + 1;
      one.view = { ...one.view, state: "live", version, changed: false };
      one.row = rowOf(one.view, NOW);
      tell("journeys");
      return { version, entering: one.view.document.steps.length * 103 };
    },
    "journeys.pause": ({ id }) => change(id, "paused"),
    "journeys.resume": ({ id }) => change(id, "live"),
    "journeys.drain": ({ id }) => change(id, "draining"),
    "journeys.stop": ({ id }) => change(id, "stopped"),
    "journeys.duplicate": ({ id }) => {
      const { document } = get(id).view;
      return put(Math.max(...kept.keys()) + 1, { ...document, name: `${document.name} (copy)` }, "draft", null, 0);
    },
    "journeys.delete": ({ id }) => {
      kept.delete(id);
      tell("journeys");
      return {};
    },
    "journeys.export": ({ id }) => {
      const { name, document } = get(id).view;
      return { name, text: JSON.stringify(document, null, 2) };
    },
    "journeys.import": ({ text }) => put(Math.max(...kept.keys()) + 1, JSON.parse(text), "draft", null, 0),
    "journeys.import_file": () => put(Math.max(...kept.keys()) + 1, WELCOME, "draft", null, 0),
    "journeys.counts": ({ id }) => {
      const { view, row } = get(id);
      return { steps: view.version === null ? [] : counts(view.document, id), active: row.active };
    },
    "journeys.simulate": ({ document, days, seed }) => {
      const job = FIRST_JOB + results.size;
      results.set(job, simulate(document, days, seed));
      return { job };
    },
    "journeys.try": ({ document }) => ({ facts: walk(document), partly_fixed_scores: [], ranked_segments: [] }),
    "journeys.path": () => walk(WELCOME),
    "journeys.people": () => PEOPLE,
    "journeys.behind": () => {
      const job = FIRST_JOB + results.size;
      results.set(job, PEOPLE);
      return { job };
    },
    "journeys.enter": () => ({}),
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
    active: live ? sum(counts(view.document, view.id).map((step) => step.waiting)) : 0,
    entered_30_days: live ? 812 : 0,
    sent_30_days: live ? 2044 : 0,
    updated_at,
    problems: view.problems.filter((problem) => problem.severity === "error").length,
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

function simulate(doc: Journey, days: number, seed: number): SimReport {
  const people = flow(doc, seed);
  const roll = dice(seed);
  const delays = new Map<string, number>();
  for (const step of doc.steps) {
    for (const to of Object.values(step.next ?? {})) {
      delays.set(to, Math.max(delays.get(to) ?? 0, (delays.get(step.id) ?? 0) + (waits(step) ? 3 : 0)));
    }
  }
  const week = Array.from({ length: days }, (_, day) => (0.6 + roll() * 0.5) * (day % 7 > 4 ? 0.4 : 1));
  const spread = (total: number, delay: number) => {
    const whole = sum(week);
    return week.map((_, day) => (day < delay ? 0 : Math.round((total * (week[day - delay] ?? 0)) / whole)));
  };
  const mails = week.map(() => 0);
  const steps = doc.steps.map((step) => {
    const { entered, shares } = people.get(step.id) ?? { entered: 0, shares: new Map<string, number>() };
    const delay = Math.min(days, delays.get(step.id) ?? 0);
    const came = spread(entered, delay);
    if (step.kind === "send_email") for (const [day, count] of came.entries()) mails[day] = (mails[day] ?? 0) + count;
    const left = [...shares].map(([port, total]) => ({ port, per_day: spread(total, delay + (waits(step) ? 3 : 0)) }));
    if (!waits(step)) {
      // Whoever goes no further ended in the step itself.
      left.push({
        port: "end",
        per_day: came.map((count, day) => count - sum(left.map(({ per_day }) => per_day[day] ?? 0))),
      });
    }
    const waiting = waits(step) ? Math.max(0, sum(came) - sum(left.map(({ per_day }) => sum(per_day)))) : 0;
    return { step: step.id, entered: came, left, waiting };
  });
  const entered = sum(steps[0]?.entered ?? []);
  const never_left = sum(steps.map(({ waiting }) => waiting));
  const ruled = Math.round(entered * 0.04);
  return {
    days,
    contacts: 50_000,
    entered,
    never_left,
    cut_short: 0,
    steps,
    mails,
    refused: week.map(() => 2),
    held: week.map((_, day) => (day === 0 ? 40 : 0)),
    still_held: 0,
    partly_fixed_scores: [],
    ranked_segments: [],
    ended: [
      { end: { end: "completed", reason: "welcomed" }, count: Math.max(0, entered - never_left - ruled) },
      { end: { end: "exit_rule", reason: "staff" }, count: ruled },
    ],
    goals: [],
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
