import { describe, expect, it } from "vitest";
import { parsePiece, pieceText } from "./clipboard";
import { cut, type Drawing, jump, type Op, open, perform, redo, seal, select, undo } from "./document";
import { graphOf, stepOf } from "./drawing";
import { arbitrary, dice, drawingOf, portsOf } from "./testing";

const CHAIN = "s1:entry_manual next=s2; s2:wait next=s3; s3:send_email next=s4; s4:exit";
const start = (text = CHAIN) => open(drawingOf(text));
const run = (drawing: Drawing, ...ops: Op[]) => ops.reduce((at, op) => perform(at, op, portsOf), drawing);
const next = (drawing: Drawing, id: string) => stepOf(drawing.doc, id)?.next;

describe("the drawing", () => {
  it("inserts on an arrow and heals it", () => {
    const after = run(start(), { op: "add_after", seed: { kind: "wait" }, port: { step: "s2", port: "next" } });
    expect(next(after, "s2")).toEqual({ next: "s5" });
    expect(next(after, "s5")).toEqual({ next: "s3" });
    expect(after.selection).toEqual(["s5"]);
  });

  it("lets an inserted split lead on by its first port", () => {
    const after = run(start(), { op: "add_after", seed: { kind: "if_else" }, port: { step: "s2", port: "next" } });
    expect(next(after, "s5")).toEqual({ yes: "s3" });
  });

  it("leads on past a deleted step where there is one way", () => {
    const after = run(start(), { op: "delete", steps: ["s2", "s3"], heal: "clear" });
    expect(next(after, "s1")).toEqual({ next: "s4" });
    expect(after.selection).toEqual(["s4"]);
  });

  it("opens the arrow when a deleted split led to several steps, unless asked to heal", () => {
    const split = start("s1:entry_manual next=s2; s2:if_else yes=s3 no=s4; s3:exit; s4:exit");
    expect(next(run(split, { op: "delete", steps: ["s2"], heal: "clear" }), "s1")).toBeUndefined();
    expect(next(run(split, { op: "delete", steps: ["s2"], heal: "always" }), "s1")).toEqual({ next: "s3" });
    expect(next(run(split, { op: "delete", steps: ["s2"], heal: "never" }), "s1")).toBeUndefined();
  });

  it("never gives the id of a deleted step to another one, not even after undo or a new session", () => {
    let drawing = run(start(), { op: "add", seed: { kind: "wait" } });
    drawing = undo(drawing);
    drawing = run(drawing, { op: "add", seed: { kind: "wait" } });
    expect(drawing.doc.steps.at(-1)?.id).toBe("s6");
    expect(run(open(drawingOf(CHAIN), ["s9"]), { op: "add", seed: { kind: "wait" } }).doc.steps.at(-1)?.id).toBe("s10");
  });

  it("refuses arrows to itself and into an entry", () => {
    const drawing = start();
    expect(run(drawing, { op: "connect", port: { step: "s2", port: "next" }, to: "s2" })).toBe(drawing);
    expect(run(drawing, { op: "connect", port: { step: "s2", port: "next" }, to: "s1" })).toBe(drawing);
  });

  it("takes the arrow of a branch away with the branch, and undo brings both back", () => {
    const branches = [{ port: "a" }, { port: "b" }];
    let drawing = start("s1:entry_manual next=s2; s2:split a=s3 b=s4 else=s4; s3:exit; s4:exit");
    drawing = run(drawing, { op: "set", step: "s2", settings: { branches } });
    drawing = run(drawing, { op: "set", step: "s2", settings: { branches: [{ port: "b" }] } });
    expect(next(drawing, "s2")).toEqual({ b: "s4", else: "s4" });
    expect(next(undo(drawing), "s2")).toEqual({ a: "s3", b: "s4", else: "s4" });
  });

  it("keeps typing in one field as one entry until it is sealed", () => {
    const type = (amount: number): Op => ({ op: "set", step: "s2", settings: { amount }, field: "amount" });
    let drawing = run(start(), type(1), type(12), type(123));
    expect(drawing.past).toHaveLength(1);
    expect(drawing.past[0]?.label).toEqual({ key: "set", kind: "wait" });
    drawing = run(seal(drawing), type(1234));
    expect(drawing.past).toHaveLength(2);
    expect(stepOf(undo(drawing).doc, "s2")?.settings).toEqual({ amount: 123 });
    expect(undo(undo(drawing)).doc).toEqual(drawingOf(CHAIN));
  });

  it("moves a step to another arrow by taking it out of its chain first", () => {
    const after = run(start(), { op: "reinsert", step: "s2", port: { step: "s3", port: "next" } });
    expect(next(after, "s1")).toEqual({ next: "s3" });
    expect(next(after, "s3")).toEqual({ next: "s2" });
    expect(next(after, "s2")).toEqual({ next: "s4" });
  });

  it("changes no layout with the graph and no graph with the layout", () => {
    const tidy = run(start(), { op: "add_after", seed: { kind: "wait" }, port: { step: "s2", port: "next" } });
    expect(tidy.doc.layout).toBeUndefined();
    const all = Object.fromEntries(tidy.doc.steps.map((step, at) => [step.id, { x: 0, y: at * 148 }]));
    const free = run(tidy, { op: "move", places: { s2: { x: 40.4, y: 60 } }, all });
    expect(graphOf(free.doc)).toEqual(graphOf(tidy.doc));
    expect(free.doc.layout?.s2).toEqual({ x: 40, y: 60 });
    expect(Object.keys(free.doc.layout ?? {})).toHaveLength(5);
    expect(run(free, { op: "tidy" }).doc).toEqual(tidy.doc);
  });

  it("makes room in a free layout instead of covering a card", () => {
    const all = Object.fromEntries(["s1", "s2", "s3", "s4"].map((id, at) => [id, { x: 0, y: at * 148 }]));
    const free = run(start(), { op: "move", places: { s1: { x: 0, y: 0 } }, all });
    const after = run(free, { op: "add_after", seed: { kind: "wait" }, port: { step: "s2", port: "next" } });
    expect(after.doc.layout?.s5).toEqual({ x: 0, y: 296 });
    expect(after.doc.layout?.s4).toEqual({ x: 0, y: 592 });
  });

  it("jumps to any entry of the list and back", () => {
    const drawing = run(
      start(),
      { op: "rename", step: "s2", name: "Pause" },
      { op: "journey", change: { name: "Other" } },
      { op: "delete", steps: ["s3"], heal: "clear" },
    );
    const first = drawing.past[0]?.id ?? 0;
    const back = jump(drawing, first);
    expect(back.past).toHaveLength(1);
    expect(back.future).toHaveLength(2);
    expect(jump(back, drawing.past[2]?.id ?? 0).doc).toEqual(drawing.doc);
    expect(jump(drawing, 0).doc).toEqual(drawingOf(CHAIN));
    expect(jump(drawing, 99)).toBe(drawing);
  });

  it("carries steps through text under new ids with the arrows among them", () => {
    const drawing = start();
    const text = pieceText(cut(drawing.doc, ["s2", "s3"]));
    const read = parsePiece(text);
    if (!read.ok) throw new Error(read.why);
    const after = run(drawing, { op: "paste", piece: read.piece, word: "paste", after: { step: "s3", port: "next" } });
    expect(next(after, "s3")).toEqual({ next: "s5" });
    expect(next(after, "s5")).toEqual({ next: "s6" });
    expect(next(after, "s6")).toEqual({ next: "s4" });
    expect(after.selection).toEqual(["s5", "s6"]);
  });

  it("says why text is not steps", () => {
    for (const text of ["", "hello", "[]", '{"format":"carillon/steps/1","steps":[{"id":1}]}', "x".repeat(3_000_000)]) {
      expect(parsePiece(text).ok).toBe(false);
    }
    const proto = parsePiece(
      '{"format":"carillon/steps/1","steps":[{"id":"a","kind":"wait","next":{"__proto__":"a"}}]}',
    );
    expect(proto.ok).toBe(false);
  });

  it("undoes and redoes every random sequence of changes exactly", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const roll = dice(seed);
      let drawing = open(arbitrary(seed, 3 + (seed % 20)));
      const states = [drawing.doc];
      for (let n = 0; n < 25; n += 1) {
        const before = drawing;
        drawing = seal(perform(drawing, randomOp(drawing, roll), portsOf));
        if (drawing.doc !== before.doc) states.push(drawing.doc);
        const ids = drawing.doc.steps.map((step) => step.id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const step of drawing.doc.steps) {
          expect(
            Object.values(step.next ?? {}).every((to) => ids.includes(to)),
            `seed ${seed}`,
          ).toBe(true);
        }
      }
      expect(drawing.past).toHaveLength(states.length - 1);
      let back = drawing;
      for (let at = states.length - 2; at >= 0; at -= 1) {
        back = undo(back);
        expect(back.doc).toEqual(states[at]);
      }
      let forth = back;
      for (const state of states.slice(1)) {
        forth = redo(forth);
        expect(forth.doc).toEqual(state);
      }
    }
  });

  it("selects only what exists", () => {
    expect(select(start(), ["s2", "s2", "nope"]).selection).toEqual(["s2"]);
  });
});

function randomOp(drawing: Drawing, roll: () => number): Op {
  const steps = drawing.doc.steps;
  const pick = () => steps[Math.floor(roll() * steps.length)]?.id ?? "s0";
  const portOf = (step: string) => {
    const ports = portsOf(stepOf(drawing.doc, step) ?? { id: step, kind: "exit" });
    return { step, port: ports[Math.floor(roll() * ports.length)] ?? "next" };
  };
  const all = Object.fromEntries(steps.map((step, at) => [step.id, { x: 0, y: at * 100 }]));
  switch (Math.floor(roll() * 12)) {
    case 0:
      return { op: "add", seed: { kind: "wait" }, at: { x: roll() * 900, y: roll() * 900 } };
    case 1:
      return { op: "add_after", seed: { kind: roll() < 0.5 ? "if_else" : "wait" }, port: portOf(pick()) };
    case 2:
      return { op: "move", places: { [pick()]: { x: roll() * 500, y: roll() * 500 } }, all };
    case 3:
      return { op: "connect", port: portOf(pick()), to: pick() };
    case 4:
      return { op: "disconnect", port: portOf(pick()) };
    case 5:
      return {
        op: "delete",
        steps: [pick(), pick()],
        heal: (["clear", "always", "never"] as const)[Math.floor(roll() * 3)] ?? "never",
      };
    case 6:
      return { op: "rename", step: pick(), name: `n${Math.floor(roll() * 5)}` };
    case 7:
      return { op: "set", step: pick(), settings: { branches: [{ port: "a" }], n: Math.floor(roll() * 3) } };
    case 8:
      return { op: "paste", piece: cut(drawing.doc, [pick(), pick(), pick()]), word: "paste", after: portOf(pick()) };
    case 9:
      return { op: "tidy" };
    case 10:
      return { op: "reinsert", step: pick(), port: portOf(pick()) };
    default:
      return { op: "journey", change: { re_entry: { policy: "after_days", days: Math.floor(roll() * 9) } } };
  }
}
