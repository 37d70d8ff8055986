import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";
import type { ContactPage } from "@/api/gen/ContactPage";
import type { ContactRow } from "@/api/gen/ContactRow";
import { answering, show } from "@/testing";
import { ContactPicker } from "./contact-picker";

const PEOPLE = ["ada@example.com", "bo@example.com", "cy@example.com", "boris@example.com"];

function Held({ onChange }: { onChange: (id: number | null) => void }) {
  const [value, setValue] = useState<number | null>(1);
  const change = (next: number | null) => {
    setValue(next);
    onChange(next);
  };
  return <ContactPicker label="Contact" value={value} onChange={change} />;
}

test("what is typed stays while answers come, whoever is chosen already", async () => {
  const program = answering({
    "contacts.page": ({ search }) => {
      const rows = PEOPLE.map((email, at) => ({ id: at + 1, email, values: {} }) as ContactRow);
      const found = rows.filter((row) => row.email.includes(search ?? ""));
      return { rows: found, total: found.length, seq: 1 };
    },
    "contacts.get": ({ id }) => ({ contact: { id, email: PEOPLE[id - 1] } }) as ContactPage,
  });
  const given: (number | null)[] = [];
  show(<Held onChange={(id) => given.push(id)} />);
  const input = await screen.findByRole<HTMLInputElement>("combobox", { name: "Contact" });
  await waitFor(() => expect(input.value).toBe("ada@example.com"));
  await userEvent.click(input);
  input.setSelectionRange(0, input.value.length);
  const keys = ["b", "o", "r"];
  for (const [at, key] of keys.entries()) {
    await userEvent.keyboard(key);
    const typed = keys.slice(0, at + 1).join("");
    // Each letter is asked for, and its answer is shown.
    await waitFor(() =>
      expect(program.asked.some((one) => (one.args as { search?: string }).search === typed)).toBe(true),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(input.value).toBe(typed);
  }
  expect(input.value).toBe("bor");
  await userEvent.click(await screen.findByRole("option", { name: /boris/ }));
  expect(input.value).toBe("boris@example.com");
  expect(given.at(-1)).toBe(4);
});
