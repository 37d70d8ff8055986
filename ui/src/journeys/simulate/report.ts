/** Reading a simulation. Pure. */
import type { Fact } from "@/api/gen/Fact";
import type { Journey } from "@/api/gen/Journey";
import type { SimReport } from "@/api/gen/SimReport";
import type { StepId } from "@/api/gen/StepId";
import type { Figures } from "../canvas/paint";
import { arrowKey, stepOf } from "../drawing";

/** Numbers of every step at the end of a day, counted up from the start; days beyond the last show the last. */
export function figuresOf(report: SimReport, day: number): ReadonlyMap<StepId, Figures> {
  const at = Math.max(0, Math.min(day, report.days - 1));
  return new Map(
    report.steps.map(({ step, entered, left }) => {
      const came = upTo(entered, at);
      const gone = left.map(({ port, per_day }) => [port, upTo(per_day, at)] as const);
      const waiting = Math.max(0, came - gone.reduce((sum, [, people]) => sum + people, 0));
      return [step, { entered: came, waiting, left: Object.fromEntries(gone) }];
    }),
  );
}

function upTo(days: readonly number[], at: number): number {
  let sum = 0;
  for (let day = 0; day <= at; day += 1) sum += days[day] ?? 0;
  return sum;
}

/** The moment a day of a simulation begins: days are 24 hours from its start. */
export function dayOf(from: string, day: number): string {
  return new Date(new Date(from).getTime() + day * 86_400_000).toISOString();
}

/** Steps in which people still stand on the last day, most people first. */
export function stayers(report: SimReport): { step: StepId; count: number }[] {
  return report.steps
    .filter(({ waiting }) => waiting > 0)
    .map(({ step, waiting }) => ({ step, count: waiting }))
    .sort((a, b) => b.count - a.count);
}

/** Steps and arrows of a way, as far as the fact at `last`. */
export function litOf(doc: Journey, facts: readonly Fact[], last: number): { steps: Set<StepId>; arrows: Set<string> } {
  const steps = new Set<StepId>();
  const arrows = new Set<string>();
  for (const fact of facts.slice(0, last + 1)) {
    steps.add(fact.step);
    if (fact.fact !== "left") continue;
    if (stepOf(doc, fact.step)?.next?.[fact.port] !== undefined) arrows.add(arrowKey(fact.step, fact.port));
  }
  return { steps, arrows };
}

/**
 * Mails one person can get at most on one pass: the way with the most of them. `null` where a circle with a mail on
 * it sets no limit.
 */
export function mostMails(doc: Journey): number | null {
  const known = new Map<StepId, number>();
  const state = new Map<StepId, "open" | "done">();
  const order: StepId[] = [];
  const inCircle = new Set<StepId>();
  for (const start of doc.steps) {
    if (state.has(start.id)) continue;
    const stack: { id: StepId; rest: StepId[] }[] = [{ id: start.id, rest: Object.values(start.next ?? {}) }];
    state.set(start.id, "open");
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { id: StepId; rest: StepId[] };
      const to = top.rest.pop();
      if (to === undefined) {
        state.set(top.id, "done");
        order.push(top.id);
        stack.pop();
        continue;
      }
      const step = stepOf(doc, to);
      if (!step) continue;
      if (state.get(to) === "open") {
        const from = stack.findIndex((one) => one.id === to);
        for (const one of stack.slice(from)) inCircle.add(one.id);
      } else if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ id: to, rest: Object.values(step.next ?? {}) });
      }
    }
  }
  const sends = (id: StepId) => stepOf(doc, id)?.kind === "send_email";
  if ([...inCircle].some(sends)) return null;
  let most = 0;
  for (const id of order) {
    const onward = Object.values(stepOf(doc, id)?.next ?? {}).map((to) => known.get(to) ?? 0);
    const count = Math.max(0, ...onward) + (sends(id) ? 1 : 0);
    known.set(id, count);
    most = Math.max(most, count);
  }
  return most;
}
