import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";
import { SuggestInput, WordsInput } from "./suggest";

const USED = [{ value: "vip", about: "12 contacts" }, { value: "fair" }];

function Words({ from = [], onWords }: { from?: string[]; onWords: (words: string[]) => void }) {
  const [words, setWords] = useState(from);
  return (
    <WordsInput
      label="Tags"
      value={words}
      suggestions={USED}
      onChange={(next) => {
        setWords(next);
        onWords(next);
      }}
    />
  );
}

test("a word is taken by Enter, by a comma and by leaving the field, each once", async () => {
  const heard: string[][] = [];
  render(<Words onWords={(words) => heard.push(words)} />);
  const field = screen.getByRole("combobox", { name: "Tags" });
  await userEvent.type(field, "new{Enter} spring ,new,late");
  await userEvent.tab();
  expect(heard.at(-1)).toEqual(["new", "spring", "late"]);
});

test("words in use are offered as one types, and the arrow takes them", async () => {
  const heard: string[][] = [];
  render(<Words onWords={(words) => heard.push(words)} />);
  const field = screen.getByRole("combobox", { name: "Tags" });
  await userEvent.type(field, "vi");
  expect(await screen.findByRole("option", { name: /vip/ })).toBeDefined();
  expect(screen.queryByRole("option", { name: /fair/ })).toBeNull();
  await userEvent.type(field, "{ArrowDown}{Enter}");
  expect(heard.at(-1)).toEqual(["vip"]);
});

test("the last word goes by Backspace, any other by its button", async () => {
  const heard: string[][] = [];
  render(<Words from={["a", "b", "c"]} onWords={(words) => heard.push(words)} />);
  await userEvent.type(screen.getByRole("combobox", { name: "Tags" }), "{Backspace}");
  expect(heard.at(-1)).toEqual(["a", "b"]);
  // The open list hides what is around it from readers.
  await userEvent.click(screen.getByRole("button", { name: "Remove a", hidden: true }));
  expect(heard.at(-1)).toEqual(["b"]);
});

test("Escape keeps the words", async () => {
  const heard: string[][] = [];
  render(<Words from={["a"]} onWords={(words) => heard.push(words)} />);
  await userEvent.type(screen.getByRole("combobox", { name: "Tags" }), "{Escape}{Escape}{Escape}b{Enter}");
  expect(heard).toEqual([["a", "b"]]);
});

function One({ onWord }: { onWord: (word: string) => void }) {
  const [word, setWord] = useState("");
  return (
    <SuggestInput
      label="Event"
      value={word}
      suggestions={[{ value: "order" }, { value: "review" }]}
      onChange={(next) => {
        setWord(next);
        onWord(next);
      }}
    />
  );
}

test("a word nobody used yet stays as it was typed", async () => {
  const heard: string[] = [];
  render(<One onWord={(word) => heard.push(word)} />);
  await userEvent.type(screen.getByRole("combobox", { name: "Event" }), "ordered");
  await userEvent.tab();
  expect(heard.at(-1)).toBe("ordered");
});

test("an event that happened is chosen from the list", async () => {
  const heard: string[] = [];
  render(<One onWord={(word) => heard.push(word)} />);
  await userEvent.type(screen.getByRole("combobox", { name: "Event" }), "rev");
  await userEvent.click(await screen.findByRole("option", { name: "review" }));
  expect(heard.at(-1)).toBe("review");
});
