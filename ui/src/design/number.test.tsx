import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, test } from "vitest";
import { NumberInput } from "./fields";

let holds: number | undefined;

function Days({ first = 3, ...rest }: { first?: number; step?: number | "any" }) {
  const [value, setValue] = useState(first);
  holds = value;
  return <NumberInput aria-label="Days" min={1} max={30} value={value} onChange={setValue} {...rest} />;
}

function Perhaps() {
  const [value, setValue] = useState<number | undefined>(3);
  holds = value;
  return <NumberInput optional aria-label="Days" value={value} onChange={setValue} />;
}

const field = () => screen.getByRole("spinbutton", { name: "Days" }) as HTMLInputElement;

describe("a number that is typed", () => {
  test("can be cleared to write another one", async () => {
    render(<Days />);
    await userEvent.type(field(), "{Backspace}");
    expect(field().value).toBe("");
    await userEvent.type(field(), "12");
    expect(holds).toBe(12);
  });

  test("holds what it was where nothing was written instead", async () => {
    render(<Days />);
    await userEvent.clear(field());
    await userEvent.tab();
    expect(field().value).toBe("3");
    expect(holds).toBe(3);
  });

  test("stays within its bounds and whole, and is shown so on leaving", async () => {
    render(<Days />);
    await userEvent.clear(field());
    await userEvent.type(field(), "45.7");
    expect(holds).toBe(30);
    await userEvent.tab();
    expect(field().value).toBe("30");
  });

  test("may have decimals where it is said", async () => {
    render(<Days step="any" />);
    await userEvent.clear(field());
    await userEvent.type(field(), "2.5");
    expect(holds).toBe(2.5);
  });

  test("is none where it may be", async () => {
    render(<Perhaps />);
    await userEvent.clear(field());
    expect(holds).toBeUndefined();
  });
});
