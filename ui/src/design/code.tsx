import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { html } from "@codemirror/lang-html";
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useEffectEvent, useRef } from "react";
import { cx } from "./cx";
import { type Propose, proposals } from "./proposals";

export interface CodeProblem {
  from: number;
  to: number;
  message: string;
  severity: "error" | "warning";
}

export interface CodeProps {
  value: string;
  onChange: (value: string) => void;
  language: "mjml" | "segment" | "text";
  /** Its name for screen readers. */
  label: string;
  problems?: readonly CodeProblem[];
  /** With line numbers, filling its box. */
  page?: boolean;
  /** What can stand at a place; Ctrl+Space and typing show it. */
  propose?: Propose;
  /** Most characters that may be typed. */
  maxLength?: number;
  className?: string;
}

const WORDS = new Set(
  "a account after ago ahead all and anniversary any april at august average before between bottom by came changed character characters clicked consent contact's contain contains day days december did different does domain empty end ends entered equals ever everyone exactly february fell first free friday goal has hour hours in is january joined journey july june known last least left less like mail march match matches maximum may message messages minimum minus minute minutes monday month months more most multiple nearly next no none not november number october of on opened option options or passed plus quarter quarters random reached replied role rose row saturday second seconds segment sent september since start starts step sum sunday tag than the then this thursday time times to today tomorrow top tuesday was wednesday week weeks where with within without workspace's year years yes yesterday zone".split(
    " ",
  ),
);

/** Colours for the text form of a segment; what is right is for the engine to say. */
const segmentLanguage = StreamLanguage.define<{ inText: boolean }>({
  startState: () => ({ inText: false }),
  token: (stream, state) => {
    if (state.inText || stream.eat('"')) {
      state.inText = true;
      while (!stream.eol()) {
        const next = stream.next();
        if (next === "\\") stream.next();
        else if (next === '"') {
          state.inText = false;
          break;
        }
      }
      return "string";
    }
    if (stream.eatSpace()) return null;
    if (stream.match(/^\d[\d.:TZ-]*/)) return "number";
    if (stream.match(/^`[^`]*`/)) return "variableName";
    const word = stream.match(/^[\p{L}_][\p{L}\p{N}_']*/u);
    if (word && typeof word !== "boolean") return WORDS.has(word[0].toLowerCase()) ? "keyword" : "variableName";
    stream.next();
    return "operator";
  },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--color-accent-text)" },
  { tag: tags.string, color: "var(--color-ok)" },
  { tag: tags.number, color: "var(--color-warn)" },
  { tag: tags.variableName, color: "var(--color-ink-1)" },
  { tag: tags.tagName, color: "var(--color-accent-text)" },
  { tag: tags.attributeName, color: "var(--color-info)" },
  { tag: tags.attributeValue, color: "var(--color-ok)" },
  { tag: tags.comment, color: "var(--color-ink-3)" },
  { tag: tags.angleBracket, color: "var(--color-ink-3)" },
]);

const look = EditorView.theme({
  "&.cm-editor": {
    height: "100%",
    fontSize: "13px",
    color: "var(--color-ink-1)",
    backgroundColor: "var(--color-surface)",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--font-mono)",
    fontFeatureSettings: "var(--font-mono--font-feature-settings)",
    lineHeight: "20px",
  },
  ".cm-content": { padding: "8px 0", caretColor: "var(--color-ink-1)" },
  ".cm-line": { padding: "0 12px" },
  ".cm-gutters": {
    backgroundColor: "var(--color-surface)",
    color: "var(--color-ink-3)",
    border: "none",
    paddingLeft: "4px",
  },
  ".cm-cursor": { borderLeftColor: "var(--color-ink-1)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklch, var(--color-accent-solid) 28%, transparent)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--color-surface)",
    border: "1px solid var(--color-line-default)",
    borderRadius: "6px",
  },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    borderBottom: "2px wavy var(--color-bad)",
    textDecoration: "underline wavy var(--color-bad)",
  },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--color-warn)" },
});

const languageOf = (language: CodeProps["language"]) =>
  language === "mjml"
    ? html({ selfClosingTags: true, autoCloseTags: true })
    : language === "segment"
      ? segmentLanguage
      : [];

/** Source text. Tab leaves it, so that nobody is caught inside. */
export default function CodeEditor({
  value,
  onChange,
  language,
  label,
  problems,
  page = false,
  propose,
  maxLength = Number.POSITIVE_INFINITY,
  className,
}: CodeProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useEffectEvent((text: string) => onChange(text));
  const start = useEffectEvent(() => value);
  const proposed: Propose = useEffectEvent((text, at) => propose?.(text, at) ?? null);
  const proposes = propose !== undefined;

  useEffect(() => {
    if (place.current === null) return;
    const wrapping = new Compartment();
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: start(),
        extensions: [
          history(),
          drawSelection(),
          bracketMatching(),
          syntaxHighlighting(colours),
          languageOf(language),
          look,
          proposes ? proposals((text, at) => proposed(text, at)) : [],
          EditorState.changeFilter.of(
            ({ newDoc, startState }) => newDoc.length <= maxLength || newDoc.length < startState.doc.length,
          ),
          page ? [lineNumbers(), lintGutter()] : [],
          wrapping.of(EditorView.lineWrapping),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocorrect: "off" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
          // Dragging selected text is a drag of the browser's own kind: forbidden everywhere.
          EditorView.domEventHandlers({
            dragstart: (event) => {
              event.preventDefault();
              return true;
            },
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [language, label, page, proposes, maxLength]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const end = editor.state.doc.length;
    const diagnostics: Diagnostic[] = (problems ?? []).map((problem) => ({
      ...problem,
      from: Math.min(problem.from, end),
      to: Math.min(Math.max(problem.to, problem.from + 1), end),
    }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [problems]);

  return (
    <div
      ref={place}
      className={cx(
        "overflow-hidden focus-within:outline-2 focus-within:outline-focus",
        page
          ? "h-full focus-within:-outline-offset-2"
          : "rounded-control border border-line-control focus-within:outline-offset-2",
        className,
      )}
    />
  );
}
