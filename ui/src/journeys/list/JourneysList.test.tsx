import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { answering, show } from "@/testing";
import { JourneysList } from "./JourneysList";

test("whoever presses twice gets one new journey", async () => {
  const { times } = answering({ "journeys.list": () => [], "journeys.save": () => new Promise(() => {}) });
  show(<JourneysList />);
  await userEvent.dblClick(await screen.findByRole("button", { name: "New journey" }));
  expect(times("journeys.save")).toBe(1);
});
