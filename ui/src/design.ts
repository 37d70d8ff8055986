/* The house's parts; a screen takes them from here. */
export * from "./design/button";
export { cx } from "./design/cx";
export * from "./design/display";
export * from "./design/drag";
export { ErrorNote, ErrorView, errorText } from "./design/error";
export * from "./design/fields";
export * from "./design/grid";
export * from "./design/overlay";
export { ShareSlider } from "./design/slider";
export { Columns, Sparkline } from "./design/spark";
export { SplitPane } from "./design/split";
export { SuggestInput, type Suggestion, WordsInput } from "./design/suggest";
export * from "./design/table";
export * from "./design/tabs";
export * from "./design/theme";
export { say, sayError, Toasts, unsay } from "./design/toast";
