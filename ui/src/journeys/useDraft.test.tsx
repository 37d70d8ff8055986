import { act, renderHook, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { JourneyView } from "@/api/gen/JourneyView";
import { ApiError } from "@/api/host";
import { answering, Ground } from "@/testing";
import { catalogueOf } from "./catalogue";
import { WELCOME } from "./fixture";
import { FACES } from "./fixture.catalogue";
import { createDesigner, type DesignerStore } from "./state";
import { useDraft } from "./useDraft";

let kept: { document: JourneyView["document"]; revision: number };
let saves: number[];
let gone: boolean;
let slow: Promise<void> | null;

const view = (): JourneyView => ({
  id: 1,
  name: kept.document.name,
  state: "draft",
  version: null,
  changed: true,
  problems: [],
  ...kept,
});

beforeEach(() => {
  kept = { document: WELCOME, revision: 7 };
  saves = [];
  gone = false;
  slow = null;
  answering({
    "journeys.get": () => {
      if (gone) throw new ApiError({ code: "unreachable", message: "Nobody is there." });
      return view();
    },
    "journeys.check": () => [],
    "journeys.save": async ({ document, revision }) => {
      saves.push(revision ?? 0);
      if (revision !== kept.revision) throw new ApiError({ code: "stale", message: "saved elsewhere" });
      kept = { document, revision: kept.revision + 1 };
      const answer = { id: 1, revision: kept.revision, problems: [] };
      if (slow) await slow;
      return answer;
    },
  });
});

function open() {
  const store: DesignerStore = createDesigner(1, WELCOME, catalogueOf(FACES), []);
  return {
    store,
    ...renderHook((opened: JourneyView) => useDraft(store, opened), { wrapper: Ground, initialProps: view() }),
  };
}

const rename = (store: DesignerStore, name: string) =>
  act(() => store.getState().perform({ op: "rename", step: "s2", name }));

describe("the draft", () => {
  it("saves itself after a change with the revision it was read at, and goes on from the new one", async () => {
    const { store, result } = open();
    rename(store, "Hello");
    expect(result.current.state.is).toBe("waiting");
    await waitFor(() => expect(result.current.state.is).toBe("saved"), { timeout: 5000 });
    rename(store, "Hello again");
    await act(() => result.current.save());
    expect(saves).toEqual([7, 8]);
    expect(kept.document.steps[1]?.name).toBe("Hello again");
  });

  it("never takes itself for somebody else, however many ask it to save at once", async () => {
    const { store, result } = open();
    rename(store, "Hello");
    await act(async () => {
      const first = result.current.save();
      store.getState().perform({ op: "rename", step: "s2", name: "Hello again" });
      await Promise.all([first, result.current.save(), result.current.save(), result.current.save()]);
    });
    expect(result.current.state.is).toBe("saved");
    expect(saves).toEqual([7, 8]);
    expect(kept.document.steps[1]?.name).toBe("Hello again");
  });

  it("knows its own save when the commit is told of before the answer is there", async () => {
    const { store, result, rerender } = open();
    let answer: () => void = () => {};
    slow = new Promise((resolve) => {
      answer = resolve;
    });
    rename(store, "Hello");
    let saved: Promise<boolean> = Promise.resolve(false);
    act(() => {
      saved = result.current.save();
    });
    await waitFor(() => expect(kept.revision).toBe(8));
    rename(store, "Hello again");
    rerender(view());
    expect(result.current.state.is).not.toBe("conflict");
    answer();
    await act(async () => {
      await saved;
      await result.current.save();
    });
    expect(result.current.state.is).toBe("saved");
    expect(kept.document.steps[1]?.name).toBe("Hello again");
  });

  it("keeps the drawing and says so when somebody else saved first", async () => {
    const { store, result } = open();
    kept = { document: { ...WELCOME, name: "Theirs" }, revision: 8 };
    rename(store, "Mine");
    await act(() => result.current.save());
    expect(result.current.state.is).toBe("conflict");
    expect(store.getState().drawing.doc.steps[1]?.name).toBe("Mine");
    expect(kept.document.name).toBe("Theirs");
  });

  it("takes theirs after a conflict, or saves mine over it", async () => {
    const theirs = open();
    kept = { document: { ...WELCOME, name: "Theirs" }, revision: 8 };
    rename(theirs.store, "Mine");
    await act(() => theirs.result.current.save());
    await act(() => theirs.result.current.resolve("theirs"));
    expect(theirs.store.getState().drawing.doc.name).toBe("Theirs");
    expect(theirs.result.current.state.is).toBe("saved");
    theirs.unmount();

    kept = { document: WELCOME, revision: 1 };
    const mine = open();
    kept = { document: { ...WELCOME, name: "Theirs" }, revision: 2 };
    rename(mine.store, "Mine");
    await act(() => mine.result.current.save());
    await act(() => mine.result.current.resolve("mine"));
    expect(kept.document.steps[1]?.name).toBe("Mine");
    expect(kept.revision).toBe(3);
    expect(mine.result.current.state.is).toBe("saved");
  });

  it("still lets one choose after a conflict when the other drawing could not be read", async () => {
    const { store, result } = open();
    kept = { document: { ...WELCOME, name: "Theirs" }, revision: 8 };
    rename(store, "Mine");
    await act(() => result.current.save());
    gone = true;
    await act(() => result.current.resolve("theirs"));
    expect(result.current.state.is).toBe("conflict");
    expect(store.getState().drawing.doc.steps[1]?.name).toBe("Mine");
    expect(await screen.findAllByText("Nobody is there.")).not.toHaveLength(0);
  });

  it("never gives a step the id of one that an earlier version had", () => {
    const { store } = open();
    act(() => store.getState().reserve(["s40"]));
    act(() => store.getState().perform({ op: "add", seed: { kind: "wait" } }));
    expect(store.getState().drawing.doc.steps.at(-1)?.id).toBe("s41");
    act(() => store.getState().replace(WELCOME));
    act(() => store.getState().perform({ op: "add", seed: { kind: "wait" } }));
    expect(store.getState().drawing.doc.steps.at(-1)?.id).toBe("s42");
  });
});
