// A list under the cursor of a source editor, of what can stand there.
import {
  acceptCompletion,
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  closeCompletion,
  completionKeymap,
  pickedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap, tooltips } from "@codemirror/view";
import { t } from "@/i18n";
import { portalRoot } from "./cx";

export interface CodeOffer {
  label: string;
  /** A word for what it is. */
  kind: string;
  /** One line about it. */
  about: string;
  /** What is put in the place. */
  insert: string;
  /** The part of it that is marked then; an empty one is where the cursor stands. */
  mark: readonly [number, number];
  /** Whether the list opens again behind it. */
  opens: boolean;
}

export interface CodeProposal {
  /** Where what was typed of it begins. */
  typed: number;
  /** What an offer replaces. */
  from: number;
  to: number;
  /** Those that fit what was typed, best first. */
  offers: readonly CodeOffer[];
  /** Whether to show them unasked. */
  eager: boolean;
}

/** What can stand at a place of a text. */
export type Propose = (text: string, at: number) => CodeProposal | null;

/** Shows what can stand at the cursor: as one types where it says so, and with Ctrl+Space everywhere. */
export function proposals(propose: Propose): Extension {
  const source = ({ state, pos, explicit }: CompletionContext): CompletionResult | null => {
    const found = propose(state.doc.toString(), pos);
    if (found === null || !(explicit || found.eager)) return null;
    const typed = state.sliceDoc(found.typed, pos).toLowerCase();
    return {
      from: found.typed,
      to: found.to,
      filter: false,
      options: found.offers.map((offer) => optionOf(offer, found, propose)),
      getMatch: ({ label }) => {
        const at = typed === "" ? -1 : label.toLowerCase().indexOf(typed);
        return at < 0 ? [] : [at, at + typed.length];
      },
    };
  };
  return [
    autocompletion({
      override: [source],
      icons: false,
      defaultKeymap: false,
      addToOptions: [{ position: 90, render: (option) => line((option as Option).about) }],
    }),
    Prec.highest(
      keymap.of([
        ...completionKeymap.filter(({ key }) => key !== "Escape"),
        { key: "Tab", run: acceptCompletion },
        // What lies around, a dialog or a panel, stays as it is.
        { key: "Escape", run: closeCompletion, stopPropagation: true },
      ]),
    ),
    EditorView.inputHandler.of(overtype),
    // Boxes around the editor would cut it.
    tooltips({ parent: portalRoot() }),
    EditorState.phrases.of({ Completions: t("segments.complete.list") }),
    look,
  ];
}

/** A quote typed before the one that an offer closed a text with goes behind it. */
function overtype(view: EditorView, from: number, to: number, typed: string): boolean {
  const text = view.state.doc.toString();
  const inText = (text.slice(0, from).match(/(?<!\\)"/g) ?? []).length % 2 === 1;
  if (typed !== '"' || from !== to || text.charAt(from) !== '"' || !inText) return false;
  view.dispatch({ selection: { anchor: from + 1 }, userEvent: "select" });
  return true;
}

type Option = Completion & Pick<CodeOffer, "about">;

function optionOf(offer: CodeOffer, { typed, from: start }: CodeProposal, propose: Propose): Option {
  return {
    label: offer.label,
    detail: offer.kind,
    apply: (view, completion, from, to) => {
      // The text may have moved since the list was made.
      const place = from - (typed - start);
      const [anchor, head] = [place + offer.mark[0], place + offer.mark[1]];
      view.dispatch({
        changes: { from: place, to, insert: offer.insert },
        selection: { anchor, head },
        annotations: pickedCompletion.of(completion),
        userEvent: "input.complete",
        scrollIntoView: true,
      });
      if (anchor !== head) return;
      if (offer.opens || propose(view.state.doc.toString(), head)?.eager === true) startCompletion(view);
    },
    about: offer.about,
  };
}

function line(about: string): HTMLElement {
  const node = document.createElement("div");
  node.className = "cm-about";
  node.textContent = about;
  return node;
}

const look = EditorView.theme({
  ".cm-tooltip.cm-tooltip-autocomplete": {
    padding: "4px",
    boxShadow: "var(--shadow-float)",
    "& > ul": {
      fontFamily: "var(--font-mono)",
      fontFeatureSettings: "var(--font-mono--font-feature-settings)",
      fontSize: "13px",
      minWidth: "min(260px, 90vw)",
      maxWidth: "min(420px, 90vw)",
      maxHeight: "min(308px, 45vh)",
      color: "var(--color-ink-1)",
    },
    "& > ul > li": {
      display: "grid",
      gridTemplateColumns: "minmax(0, 1fr) auto",
      columnGap: "12px",
      padding: "4px 8px",
      borderRadius: "4px",
      lineHeight: "20px",
      cursor: "default",
    },
    "& > ul > li:hover": { backgroundColor: "var(--color-hover)" },
    "& > ul > li[aria-selected]": { backgroundColor: "var(--color-selected)", color: "var(--color-ink-1)" },
  },
  ".cm-completionLabel": { overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--color-accent-text)", fontWeight: "600" },
  ".cm-completionDetail": {
    margin: "0",
    fontFamily: "var(--font-sans)",
    fontStyle: "normal",
    fontSize: "12px",
    color: "var(--color-ink-3)",
  },
  ".cm-about": {
    gridColumn: "1 / -1",
    overflow: "hidden",
    textOverflow: "ellipsis",
    fontFamily: "var(--font-sans)",
    fontSize: "12px",
    lineHeight: "16px",
    color: "var(--color-ink-3)",
  },
});
