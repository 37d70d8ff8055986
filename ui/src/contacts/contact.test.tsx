import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

beforeEach(() => {
  localStorage.clear();
  setHost(fixtureHost("?fixture=some"));
});

const city = () => screen.findByRole("button", { name: /^Edit City/ });

test("after a value was edited the keyboard is at that value again", async () => {
  showProgram("/contacts/1");
  await userEvent.click(await city());
  await userEvent.keyboard("{Escape}");
  await waitFor(async () => expect(document.activeElement).toBe(await city()));
});

test("whoever goes on to something else while a value is edited stays there", async () => {
  showProgram("/contacts/1");
  await userEvent.click(await city());
  await userEvent.click(screen.getByRole("tab", { name: /Journeys/ }));
  await waitFor(async () => expect(await city()).toBeDefined());
  expect(document.activeElement).toBe(screen.getByRole("tab", { name: /Journeys/ }));
});
