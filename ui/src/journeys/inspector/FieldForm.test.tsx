import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { Field } from "@/api/gen/Field";
import type { Setting } from "@/api/gen/Setting";
import { answering, show } from "@/testing";
import { FieldForm } from "./WordForms";

const FIELDS = [
  { key: "email", label: "E-mail", type: "text", built_in: true },
  { key: "created_at", label: "Since", type: "date_time", built_in: true },
  { key: "city", label: "City", type: "text", built_in: true },
  { key: "company.industry", label: "Industry", type: "text", built_in: false },
  { key: "score_shop", label: "Engagement", type: "number", built_in: false, score: 1 },
] as unknown as Field[];

async function offered(kind: string, value: unknown): Promise<(string | null)[]> {
  answering({ "fields.list": () => FIELDS });
  const setting = { name: "field" } as Setting;
  show(
    <FieldForm
      value={value}
      onChange={() => {}}
      setting={setting}
      step={{ id: "s2", kind, settings: {} }}
      label="Field"
    />,
  );
  await userEvent.click(await screen.findByRole("button", { name: "Open the list" }));
  return (await screen.findAllByRole("option")).map(
    (option) => option.querySelector("span")?.firstChild?.nodeValue ?? null,
  );
}

test("a step that sets a field offers only what it can write", async () => {
  expect(await offered("set_field", undefined)).toEqual(["City"]);
});

test("what a journey names already stays in sight, and is not said to be gone", async () => {
  expect(await offered("set_field", "company.industry")).toEqual(["City", "Industry"]);
  expect(screen.queryByText(/is not in this workspace/)).toBeNull();
});

test("a step that only reads a field offers all of them", async () => {
  expect(await offered("wait_date", undefined)).toHaveLength(FIELDS.length);
});
