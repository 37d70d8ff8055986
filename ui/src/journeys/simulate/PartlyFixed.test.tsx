import { screen } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { answering, show } from "@/testing";
import { PartlyFixed } from "./PartlyFixed";

beforeEach(() => answering({}));

test("scores of whose rules some are not followed are named", () => {
  show(<PartlyFixed scores={["Interest", "Fit"]} segments={[]} />);
  expect(screen.getByText(/with rules about consent/).textContent).toContain("asks for Interest, Fit,");
});

test("segments of the top or the bottom are named, for what that takes stays as it is", () => {
  show(<PartlyFixed scores={[]} segments={["Best", "Worst"]} />);
  expect(screen.getByText(/measured once a day/).textContent).toContain("asks for Best, Worst:");
  expect(screen.queryByText(/with rules about consent/)).toBeNull();
});

test("where all are followed nothing is said", () => {
  const { container } = show(<PartlyFixed scores={[]} segments={[]} />);
  expect(container.textContent).toBe("");
});
