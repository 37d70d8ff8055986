import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test } from "vitest";
import type { Journey } from "@/api/gen/Journey";
import type { JourneyView } from "@/api/gen/JourneyView";
import { ApiError } from "@/api/host";
import { answering, show } from "@/testing";
import { catalogueOf } from "../catalogue";
import { WELCOME } from "../fixture";
import { FACES } from "../fixture.catalogue";
import { createDesigner, DesignerContext, type DesignerStore } from "../state";
import { useDraft } from "../useDraft";
import { TopBar } from "./TopBar";

const FULL = "The disk is full. What was committed is kept.";
const VIEW: JourneyView = {
  id: 1,
  name: WELCOME.name,
  state: "draft",
  version: null,
  changed: true,
  problems: [],
  document: WELCOME,
  revision: 7,
};

function Head({ store }: { store: DesignerStore }) {
  return <TopBar view={VIEW} draft={useDraft(store, VIEW)} active={0} />;
}

/** A designer's head over a file whose disk can be full. */
function open() {
  const file = { full: false, document: WELCOME, revision: VIEW.revision };
  const refused: unknown[] = [];
  const made: { of: Journey; what: string }[] = [];
  const make = (what: string) => made.push({ what, of: file.document });
  answering(
    {
      "journeys.save": ({ document }) => {
        if (file.full) throw new ApiError({ code: "file", message: FULL });
        file.document = document;
        file.revision += 1;
        return { id: 1, revision: file.revision, problems: [] };
      },
      "journeys.check": () => [],
      "journeys.entering": () => ({ now: 12, inside: 0 }),
      "journeys.publish": ({ revision }) => {
        if (revision !== file.revision) {
          refused.push(revision);
          throw new ApiError({ code: "stale", message: "The journey was changed meanwhile." });
        }
        make("version");
        return { version: 1, entering: 12 };
      },
      "journeys.duplicate": () => {
        make("copy");
        return { id: 2, revision: 1, problems: [] };
      },
      "journeys.export_file": () => {
        make("file");
        return { path: "/tmp/welcome.json", ticket: null, bytes: 10 };
      },
    },
    { chooseSave: async () => ({ path: "/home/ada/welcome.json" }) },
  );
  const store: DesignerStore = createDesigner(1, WELCOME, catalogueOf(FACES), []);
  show(
    <DesignerContext value={store}>
      <Head store={store} />
    </DesignerContext>,
  );
  const rename = (name: string) => act(() => store.getState().perform({ op: "rename", step: "s2", name }));
  return { file, made, refused, rename };
}

const publish = () => userEvent.click(screen.getByRole("button", { name: "Publish…" }));
const more = async (name: string) => {
  await userEvent.click(screen.getByRole("button", { name: "More" }));
  await userEvent.click(await screen.findByRole("menuitem", { name }));
};

describe("what is made of a drawing that could not be saved", () => {
  test("is no version: Publish says what went wrong and does not even ask", async () => {
    const { file, made, rename } = open();
    file.full = true;
    rename("Hello");
    await publish();
    expect(await screen.findByText(FULL)).toBeDefined();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(made).toEqual([]);
  });

  test("is a version of the drawing as it stands, once there is room again", async () => {
    const { file, made, rename } = open();
    file.full = true;
    rename("Hello");
    await publish();
    await screen.findByText(FULL);
    file.full = false;
    await publish();
    await userEvent.click(await screen.findByRole("button", { name: /^Publish.*12/ }));
    await waitFor(() => expect(made.map(({ what }) => what)).toEqual(["version"]));
    expect(made[0]?.of.steps[1]?.name).toBe("Hello");
    expect(screen.queryByText(FULL)).toBeNull();
  });

  test("is no version of what somebody else saved meanwhile", async () => {
    const { file, made, refused } = open();
    await publish();
    const really = await screen.findByRole("button", { name: /^Publish.*12/ });
    file.revision += 1;
    await userEvent.click(really);
    await waitFor(() => expect(refused).toEqual([VIEW.revision]));
    expect(made).toEqual([]);
    expect(screen.getByRole("dialog")).toBeDefined();
  });

  test("is no copy and no file of an older drawing", async () => {
    const { file, made, rename } = open();
    file.full = true;
    rename("Hello");
    await more("Duplicate");
    await screen.findByText(FULL);
    await more("Export file…");
    expect(made).toEqual([]);
    file.full = false;
    await more("Export file…");
    await waitFor(() => expect(made.map(({ what }) => what)).toEqual(["file"]));
    expect(made[0]?.of.steps[1]?.name).toBe("Hello");
  });
});
