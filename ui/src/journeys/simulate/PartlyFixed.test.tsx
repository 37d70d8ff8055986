import { screen } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { answering, show } from "@/testing";
import { PartlyFixed } from "./PartlyFixed";

beforeEach(() => answering({}));

test("scores of whose rules some are not followed are named", () => {
  show(<PartlyFixed scores={["Interest", "Fit"]} />);
  expect(screen.getByText(/with rules about consent/).textContent).toContain("asks for Interest, Fit,");
});

test("where all are followed nothing is said", () => {
  const { container } = show(<PartlyFixed scores={[]} />);
  expect(container.textContent).toBe("");
});
