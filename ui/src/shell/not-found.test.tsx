import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { setHost } from "@/api/host";
import { fixtureHost } from "@/api/host.fixture";
import { showProgram } from "@/testing";

test("an address that leads nowhere says so, and shows the way home", async () => {
  setHost(fixtureHost("?fixture=some"));
  showProgram("/settings/nowhere");
  expect(await screen.findByText("There is nothing at this address")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Go to Home" }));
  await waitFor(() => expect(window.location.hash).toBe("#/home"));
});
