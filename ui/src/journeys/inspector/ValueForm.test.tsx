import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, test } from "vitest";
import type { FieldType } from "@/api/gen/FieldType";
import type { Setting } from "@/api/gen/Setting";
import type { WorkspaceInfo } from "@/api/gen/WorkspaceInfo";
import { answering, show } from "@/testing";
import { ValueForm } from "./ValueForm";

const STEP = { id: "s2", kind: "set_field", settings: { field: "it" } };

function Form({ first, onValue }: { first: unknown; onValue: (value: unknown) => void }) {
  const [value, setValue] = useState(first);
  const change = (next: unknown) => {
    setValue(next);
    onValue(next);
  };
  return <ValueForm value={value} onChange={change} step={STEP} setting={{} as Setting} label="Value" />;
}

/** Shows the form of a field's value in a workspace in Berlin; returns the values it gave. */
function edit(type: FieldType, first: unknown): unknown[] {
  answering({
    "fields.list": () => [{ key: "it", label: "It", type, built_in: false }],
    "workspaces.current": () => ({ workspace: { time_zone: "Europe/Berlin" } }) as WorkspaceInfo,
  });
  const given: unknown[] = [];
  show(<Form first={first} onValue={(value) => given.push(value)} />);
  return given;
}

describe("a value that a journey sets", () => {
  test("is so many yen as are typed, although yen have no decimals", async () => {
    const given = edit("money", { minor: 1250, currency: "JPY" });
    const amount = await screen.findByRole("spinbutton", { name: "Amount" });
    expect(amount).toHaveProperty("value", "1250");
    await userEvent.clear(amount);
    await userEvent.type(amount, "80");
    expect(given.at(-1)).toEqual({ minor: 80, currency: "JPY" });
  });

  test("stays the same amount when it is of another currency", async () => {
    const given = edit("money", { minor: 1250, currency: "EUR" });
    const currency = await screen.findByRole("textbox", { name: "Currency" });
    await userEvent.clear(currency);
    await userEvent.type(currency, "kwd");
    expect(given.at(-1)).toEqual({ minor: 12_500, currency: "KWD" });
  });

  test("is a moment of the workspace's zone, as it is shown everywhere else", async () => {
    const given = edit("date_time", "2026-07-01T12:00:00Z");
    const moment = await screen.findByLabelText("Date and time (Europe/Berlin)");
    expect(moment).toHaveProperty("value", "2026-07-01T14:00");
    await userEvent.clear(moment);
    await userEvent.type(moment, "2026-12-01T09:30");
    expect(given.at(-1)).toBe("2026-12-01T08:30:00.000Z");
  });
});
