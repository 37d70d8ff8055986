import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { WorldActArgs } from "@/api/gen/WorldActArgs";
import type { WorldMailsArgs } from "@/api/gen/WorldMailsArgs";
import type { WorldSettings } from "@/api/gen/WorldSettings";
import { ApiError, type Host, setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

const { keyboard } = userEvent;

/** The fixture with what was ordered and asked, in order; no frame is loaded. */
function stand(search: string, rest: Partial<Host> = {}) {
  const known = fixtureHost(search);
  const asked: { name: string; args: unknown }[] = [];
  const host: Host = {
    ...known,
    frameUrl: () => "about:blank",
    query: (name, args) => {
      asked.push({ name, args });
      return known.query(name, args);
    },
    mutate: (name, args) => {
      asked.push({ name, args });
      return known.mutate(name, args);
    },
    ...rest,
  };
  setHost(host);
  const of = <T,>(name: string) => asked.filter((one) => one.name === name).map((one) => one.args as T);
  return { known, of };
}

const list = () => screen.findByRole("grid", { name: "Mails" });
const rows = async () => within(await list()).findAllByRole("row");
const pane = () => screen.findByRole("region", { name: "Mail" });

beforeEach(() => localStorage.clear());

test("a sample alone has a mail world, and its way there", async () => {
  stand("?fixture=empty");
  showProgram("/world");
  expect(await screen.findByText("Only a sample has a mail world")).toBeDefined();
  expect(screen.queryByRole("link", { name: "Mail world" })).toBeNull();
  await keyboard("gh");
  await waitFor(() => expect(window.location.hash).toBe("#/home"));
  await keyboard("gw");
  expect(window.location.hash).toBe("#/home");
});

test("in a sample, G and W lead to the mails, newest first, with what was done in words", async () => {
  stand("?fixture=some");
  showProgram("/home");
  await screen.findByRole("link", { name: "Mail world" });
  await keyboard("gw");
  const [first, second] = await rows();
  expect(first?.textContent).toContain("Bela Horvath");
  expect(first?.textContent).toMatch(/opened.*clicked.*bought/);
  expect(second?.textContent).toContain("Carla Erdem");
});

test("arrows choose mails, Enter goes into one, Escape comes back to the list", async () => {
  stand("?fixture=some");
  showProgram("/world");
  await rows();
  (await list()).focus();
  await keyboard("{ArrowDown}");
  await waitFor(() => expect(window.location.hash).toContain("mail=180"));
  await keyboard("{ArrowDown}");
  await waitFor(() => expect(window.location.hash).toContain("mail=179"));
  const grid = await list();
  await waitFor(() => expect(grid.getAttribute("aria-activedescendant")).toBe("mail-179"));
  await keyboard("{Enter}");
  expect(document.activeElement).toBe(await pane());
  await keyboard("{Escape}");
  expect(document.activeElement).toBe(grid);
});

test("a mail is shown with its recipient, its text and its head, and leads to contact and message", async () => {
  stand("?fixture=some");
  showProgram("/world?mail=179");
  const mail = await pane();
  expect(await within(mail).findByText("carla.erdem2@example.com")).toBeDefined();
  const href = (name: string) => within(mail).getByRole("link", { name }).getAttribute("href");
  expect(href("Contact")).toMatch(/contacts\/2$/);
  expect(href("Message")).toMatch(/outbox\?message=179/);
  await userEvent.click(await within(mail).findByRole("tab", { name: "Text" }));
  expect(await within(mail).findByText(/See this week’s roast:/)).toBeDefined();
  await userEvent.click(within(mail).getByRole("tab", { name: "Headers" }));
  expect(await within(mail).findByText("List-Unsubscribe=One-Click")).toBeDefined();
});

test("R writes as the person, and what was written stands among what they did", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world?mail=176");
  await screen.findByText(/^You act as femke\.fuchs545@example\.com: this goes the same way/);
  expect(await screen.findByText(/^Nothing yet\./)).toBeDefined();
  await keyboard("r");
  const field = await screen.findByRole("textbox", { name: "To Bohne & Sohn" });
  expect(document.activeElement).toBe(field);
  await keyboard("Who are you?");
  await keyboard("{Control>}{Enter}{/Control}");
  const did = await screen.findByRole("region", { name: "What femke.fuchs545@example.com did" });
  expect(await within(did).findByText("Who are you?")).toBeDefined();
  expect(within(did).getByText("Person")).toBeDefined();
  expect(of<WorldActArgs>("world.act")).toEqual([{ id: 176, deed: { kind: "reply", text: "Who are you?" } }]);
});

test("G and R leave for the replies and write nothing", async () => {
  stand("?fixture=some");
  showProgram("/world?mail=176");
  await screen.findByText(/^You act as/);
  await keyboard("gr");
  await waitFor(() => expect(window.location.hash).toMatch(/^#\/replies/));
});

test("a link is clicked by its place, and the trap of the machines is not offered", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world?mail=176");
  await userEvent.click(await screen.findByRole("button", { name: "Click a link" }));
  const offered = await screen.findAllByRole("menuitem");
  expect(offered.map((each) => each.textContent)).not.toContainEqual(expect.stringContaining("trap"));
  await userEvent.click(screen.getByRole("menuitem", { name: /^Leave the list/ }));
  expect(of<WorldActArgs>("world.act")).toEqual([{ id: 176, deed: { kind: "click", link: 2 } }]);
});

test("a purchase is told in minor units of its currency", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world?mail=176");
  await userEvent.click(await screen.findByRole("button", { name: "Buy" }));
  const amount = await screen.findByRole("spinbutton", { name: "Amount" });
  await userEvent.clear(amount);
  expect(screen.getByRole("button", { name: /^Buy for/ })).toHaveProperty("disabled", true);
  await userEvent.type(amount, "19.9");
  await userEvent.click(screen.getByRole("button", { name: /^Buy for .*19[.,]90/ }));
  await waitFor(() =>
    expect(of<WorldActArgs>("world.act")).toEqual([
      { id: 176, deed: { kind: "buy", amount: { minor: 1990, currency: "EUR" } } },
    ]),
  );
  expect(await screen.findByText(/^Bought/)).toBeDefined();
});

test("what a mail does not allow is not done, and says why", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world?mail=175");
  const open = await screen.findByRole("button", { name: "Open" });
  expect(open.getAttribute("aria-disabled")).toBe("true");
  await userEvent.click(open);
  await userEvent.hover(open);
  expect(await screen.findByText(/did not agree to be followed/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Mark as spam" }));
  await waitFor(() => expect(of<WorldActArgs>("world.act").map(({ deed }) => deed.kind)).toEqual(["complain"]));
});

test("a refused reply keeps what was written, and says why beside it", async () => {
  const { known } = stand("?fixture=some");
  stand("?fixture=some", {
    mutate: async (name, args) => {
      if (name !== "world.act") return known.mutate(name, args);
      throw new ApiError({ code: "invalid", message: "Too long.", fields: { text: "At most 10,000 characters." } });
    },
  });
  showProgram("/world?mail=176");
  await screen.findByText(/^You act as/);
  await keyboard("r");
  const field = await screen.findByRole("textbox", { name: "To Bohne & Sohn" });
  await userEvent.type(field, "Hm");
  await userEvent.click(screen.getByRole("button", { name: /^Send as/ }));
  expect(await screen.findByText("At most 10,000 characters.")).toBeDefined();
  expect(screen.getByRole("textbox", { name: "To Bohne & Sohn" })).toHaveProperty("value", "Hm");
});

test("the list is searched, and narrowed to one kind of people and to one person", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world?persona=annoyed");
  for (const row of await rows()) expect(row.textContent).toContain("Annoyed");
  await userEvent.type(screen.getByRole("searchbox", { name: "Search mails" }), "nobody at all");
  await userEvent.click(await screen.findByRole("button", { name: "Show all mails" }));
  await userEvent.click((await rows())[0] as HTMLElement);
  await userEvent.click(await within(await pane()).findByRole("button", { name: "All their mails" }));
  expect(await screen.findByText("Only mails to bela.horvath721@example.com")).toBeDefined();
  await waitFor(() => expect(of<WorldMailsArgs>("world.mails").at(-1)?.to).toBe("bela.horvath721@example.com"));
});

test("older mails are shown on request, and none twice, while new ones come", async () => {
  const { of } = stand("?fixture=much");
  showProgram("/world");
  const grid = await list();
  await rows();
  expect(grid.getAttribute("aria-rowcount")).toBe("50000");
  await userEvent.click(screen.getByRole("button", { name: "Show older mails" }));
  await waitFor(() => expect(of<WorldMailsArgs>("world.mails").map(({ before }) => before)).toEqual([null, 49_901]));
  // End leads to the last of two hundred.
  grid.focus();
  await keyboard("{End}");
  await waitFor(() => expect(window.location.hash).toContain("mail=49801"));
});

test("a world that is switched off says so and can be switched on", async () => {
  const { of } = stand("?fixture=some&world=off");
  showProgram("/world");
  expect(await screen.findByText("Nobody answers now")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Let people answer" }));
  await waitFor(() => expect(screen.queryByText("Nobody answers now")).toBeNull());
  expect(of<WorldSettings>("world.set")).toMatchObject([{ on: true, seed: 1 }]);
});

test("before the first mail, the clock can be played", async () => {
  const { of } = stand("?fixture=some&mails=none");
  showProgram("/world");
  expect(await screen.findByRole("heading", { name: "No mail yet" })).toBeDefined();
  await userEvent.click(within(screen.getByRole("main")).getByRole("button", { name: "Play the clock" }));
  await waitFor(() => expect(of("clock.play")).toEqual([{ speed: 86_400 }]));
});

test("settings are saved whole, and only once they hold", async () => {
  const { of } = stand("?fixture=some");
  showProgram("/world");
  await userEvent.click(await screen.findByRole("button", { name: "Settings of the world" }));
  const dialog = await screen.findByRole("dialog", { name: "Settings of the mail world" });
  await userEvent.click(within(dialog).getByRole("radio", { name: "Own shares" }));
  const eager = within(dialog).getByRole("spinbutton", { name: "Eager in per cent" });
  await userEvent.clear(eager);
  await userEvent.type(eager, "20");
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(within(dialog).getByRole("alert").textContent).toBe(
    "The six shares make 105 per cent. They have to make 100.",
  );
  expect(of("world.set")).toEqual([]);
  const busy = within(dialog).getByRole("spinbutton", { name: "Busy in per cent" });
  await userEvent.clear(busy);
  await userEvent.type(busy, "34");
  await userEvent.click(within(dialog).getByRole("radio", { name: "As in shops" }));
  await userEvent.click(within(dialog).getByRole("switch", { name: "People answer" }));
  expect(within(dialog).getByText("41 answers that were to come are forgotten.")).toBeDefined();
  await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(of<WorldSettings>("world.set")).toEqual([
    {
      on: false,
      seed: 1,
      list_quality: 0.7,
      deliverability: 0.95,
      season: { kind: "retail" },
      mix: { eager: 20, busy: 34, silent: 35, annoyed: 4, bot: 3, gone_away: 4 },
    },
  ]);
});

test("what the program refuses stands at its field", async () => {
  stand("?fixture=some");
  showProgram("/world");
  await userEvent.click(await screen.findByRole("button", { name: "Settings of the world" }));
  const seed = await screen.findByRole("spinbutton", { name: "Seed" });
  await userEvent.clear(seed);
  await userEvent.type(seed, "13");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("This seed brings bad luck.")).toBeDefined();
  expect(screen.getByRole("dialog")).toBeDefined();
});
