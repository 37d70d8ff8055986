import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Problem } from "@/api/gen/Problem";
import { answering, show } from "@/testing";
import { catalogueOf } from "../catalogue";
import { FACES } from "../fixture.catalogue";
import { createDesigner, DesignerContext } from "../state";
import { drawingOf } from "../testing";
import { Inspector } from "./Inspector";

const dangling: Problem = {
  code: "dangling",
  severity: "error",
  step: "s2",
  field: null,
  params: { port: "next" },
};

describe("the inspector", () => {
  it("tells what is wrong with a step below its settings, so that no field moves when it comes to know", () => {
    answering({});
    const store = createDesigner(1, drawingOf("s1:entry_segment next=s2; s2:wait"), catalogueOf(FACES), [dangling]);
    store.getState().select(["s2"]);
    show(
      <DesignerContext value={store}>
        <Inspector figures={new Map()} live={null} />
      </DesignerContext>,
    );
    const fields = screen.getAllByRole("textbox");
    const note = screen.getByText(/leads nowhere/);
    const last = fields[fields.length - 1] as HTMLElement;
    expect(last.compareDocumentPosition(note) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });
});
