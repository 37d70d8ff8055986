import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { Topic } from "@/api/gen/Topic";
import { answering, show } from "@/testing";
import { Topics } from "./topics";

const NEWS: Topic = { number: 0, name: "News", about: "Once a month" };
const OFFERS: Topic = { number: 3, name: "Offers", about: "" };

/** The card over these topics, and what was saved. */
async function card(...topics: Topic[]) {
  const program = answering({ "topics.list": () => topics, "topics.save": () => topics });
  show(<Topics />);
  const add = await screen.findByRole("button", { name: "Add a topic" });
  const saved = () => program.asked.filter(({ name }) => name === "topics.save").map(({ args }) => args);
  return { add, saved };
}

const save = () => screen.getByRole("button", { name: "Save the topics" });

test("without a topic it is said what that means, and a new one needs a name before it is saved", async () => {
  const { add, saved } = await card();
  expect(screen.getByText(/people leave all marketing mail or none/)).toBeDefined();
  await userEvent.click(add);
  expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Name" }));
  await userEvent.type(screen.getByRole("textbox", { name: "What it is, in a few words" }), "Once a week");
  expect(save()).toHaveProperty("disabled", true);
  await userEvent.type(screen.getByRole("textbox", { name: "Name" }), " Offers ");
  await userEvent.click(save());
  expect(saved()).toEqual([{ topics: [{ number: null, name: "Offers", about: "Once a week" }] }]);
});

test("a topic keeps its number when its words change, and one that is taken away is not saved", async () => {
  const { saved } = await card(NEWS, OFFERS);
  expect(save()).toHaveProperty("disabled", true);
  const [first] = screen.getAllByRole("textbox", { name: "Name" }) as [HTMLElement];
  await userEvent.type(first, " and notes");
  await userEvent.click(screen.getByRole("button", { name: "Remove the topic Offers" }));
  await userEvent.click(save());
  expect(saved()).toEqual([{ topics: [{ number: 0, name: "News and notes", about: "Once a month" }] }]);
});

test("there are no more topics than a link has room for", async () => {
  const all = Array.from({ length: 32 }, (_, number) => ({ number, name: `Topic ${number}`, about: "" }));
  const { add } = await card(...all);
  expect(within(screen.getByRole("list")).getAllByRole("listitem")).toHaveLength(32);
  expect(add).toHaveProperty("disabled", true);
});
