import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { ApiError, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

/** The fixture, and what was ordered of it. */
function host(amount: string, refuse: Record<string, ApiError> = {}) {
  const fixture = fixtureHost(`?fixture=${amount}`);
  const asked: { name: string; args: unknown }[] = [];
  setHost({
    ...fixture,
    mutate: async (name, args) => {
      asked.push({ name, args });
      const error = refuse[name];
      if (error !== undefined) throw error;
      return fixture.mutate(name, args);
    },
  });
  return asked;
}

beforeEach(() => localStorage.clear());

test("companies are reached from the contacts, and open by the keyboard", async () => {
  host("some");
  showProgram("/contacts");
  await userEvent.click(await screen.findByRole("link", { name: "Companies" }));
  expect(await screen.findByText("64 companies")).toBeDefined();
  const grid = await screen.findByRole("grid", { name: "Companies" });
  grid.focus();
  await userEvent.keyboard("{Enter}");
  expect(await screen.findByRole("heading", { level: 1, name: /Bohne/ })).toBeDefined();
});

test("with no company there is one thing to do", async () => {
  const asked = host("empty");
  showProgram("/contacts/companies");
  await userEvent.click(await screen.findByRole("button", { name: "Add a company" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Name"), " Acme ");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a company" }));
  await waitFor(() =>
    expect(asked).toEqual([{ name: "companies.create", args: { name: "Acme", domain: null, values: [] } }]),
  );
});

test("a domain that another company has is told at its input, and what was typed stays", async () => {
  const taken = new ApiError({ code: "invalid", message: "No.", fields: { domain: "Beta has it already." } });
  host("some", { "companies.create": taken });
  showProgram("/contacts/companies");
  await userEvent.click(await screen.findByRole("button", { name: "Add a company" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.type(within(dialog).getByLabelText("Name"), "Acme");
  await userEvent.type(within(dialog).getByLabelText(/Domain/), "beta.example");
  await userEvent.click(within(dialog).getByRole("button", { name: "Add a company" }));
  expect(await within(dialog).findByText("Beta has it already.")).toBeDefined();
  expect(within(dialog).getByLabelText<HTMLInputElement>("Name").value).toBe("Acme");
});

test("a company that was removed is given back, at once or later", async () => {
  const asked = host("some");
  showProgram("/contacts/companies/3");
  await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
  await userEvent.click(await screen.findByRole("button", { name: "Remove the company" }));
  await userEvent.click(await screen.findByRole("button", { name: "Give it back" }));
  await waitFor(() => expect(asked.at(-1)).toEqual({ name: "companies.restore", args: { id: 3 } }));
  expect(await screen.findByText(/is back, and 3 contacts have it again/)).toBeDefined();
  await userEvent.click(await screen.findByRole("button", { name: "Removed companies" }));
  await userEvent.click(await screen.findByRole("button", { name: /^Give Hafen/ }));
  expect(await screen.findByText(/Another company has its domain by now/)).toBeDefined();
  expect(asked.at(-1)).toEqual({ name: "companies.restore", args: { id: 9000 } });
});

test("companies without contacts are a view with an address of its own", async () => {
  host("some");
  showProgram("/contacts/companies");
  expect(await screen.findByText("64 companies")).toBeDefined();
  await userEvent.click(screen.getByRole("checkbox", { name: "Without contacts" }));
  expect(await screen.findByText("3 companies")).toBeDefined();
  expect(window.location.hash).toContain("alone=true");
});

test("a company's page says what its points are made of, and which rule it does not meet yet", async () => {
  host("some");
  showProgram("/contacts/companies/1");
  const scores = await screen.findByRole("region", { name: "Points by scores" });
  expect(within(scores).getByRole("link", { name: "Engagement" }).getAttribute("href")).toContain("/scores/1");
  expect(within(scores).getByText("100")).toBeDefined();
  const parts = within(scores)
    .getAllByRole("listitem")
    .map((item) => item.textContent);
  expect(parts).toContain("The average of 17 contacts+77");
  expect(parts).toContain("did order in the last 90 days6 contacts meet it; it takes 3+20");
  expect(parts).toContain('tag "office"2 contacts meet it; it takes 100');
  expect(parts).toContain("Held within the bounds of the score-12");
  expect(within(scores).getByText(/1,309 together, 100 at most, 77 on average/)).toBeDefined();
});

test("a value of a company is edited in place", async () => {
  const asked = host("some");
  showProgram("/contacts/companies/3");
  await userEvent.click(await screen.findByRole("button", { name: /Edit Industry/ }));
  const input = screen.getByRole("textbox", { name: "Industry" });
  await userEvent.clear(input);
  await userEvent.type(input, "Mining{Enter}");
  await waitFor(() => expect(asked.map(({ name }) => name)).toEqual(["companies.update"]));
  expect(asked[0]?.args).toEqual({
    id: 3,
    values: [{ key: "company.industry", value: { type: "text", value: "Mining" } }],
  });
});

test("a contact's page leads to its company and cannot write its values", async () => {
  host("some");
  showProgram("/contacts/4");
  const link = await screen.findByRole("link", { name: /Garten/ });
  expect(link.getAttribute("href")).toContain("/contacts/companies/5");
  expect(screen.queryByRole("button", { name: /Edit Industry/ })).toBeNull();
  expect(screen.getByRole("button", { name: /^Edit City/ })).toBeDefined();
});

test("chosen contacts get a company at once", async () => {
  const asked = host("some");
  showProgram("/contacts");
  await userEvent.click((await screen.findAllByRole("checkbox", { name: /example\.com/ }))[1] ?? document.body);
  await userEvent.click(await screen.findByRole("button", { name: "Company" }));
  const dialog = await screen.findByRole("dialog");
  const find = within(dialog).getByRole("combobox");
  await userEvent.click(find);
  await userEvent.click(await screen.findByRole("option", { name: /Hafen AG/ }));
  await waitFor(() => expect(asked.map(({ name }) => name)).toEqual(["companies.connect"]));
  expect(asked[0]?.args).toEqual({ company: 2, who: { ids: [2] } });
});

test("what is typed to find another company stays while answers come in", async () => {
  const asked = host("some");
  showProgram("/contacts/4");
  await userEvent.click(await screen.findByRole("button", { name: "Choose the company" }));
  const find = await screen.findByRole<HTMLInputElement>("combobox", { name: "Choose the company" });
  await userEvent.type(find, "hafen");
  await screen.findByRole("option", { name: /Hafen AG/ });
  await new Promise((done) => setTimeout(done, 300));
  expect(find.value).toBe("hafen");
  await userEvent.click(screen.getByRole("option", { name: "No company" }));
  await waitFor(() => expect(asked.map(({ args }) => args)).toEqual([{ company: null, who: { ids: [4] } }]));
});
