// The only file that knows what stands behind the screen: the desktop shell, or `carillon serve` over HTTP.
import { convertFileSrc, invoke, isTauri } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { t } from "@/i18n";
import type { ApiError as ApiErrorBody } from "./gen/ApiError";
import type { Code } from "./gen/Code";
import type { FileRef } from "./gen/FileRef";
import type { Saved } from "./gen/Saved";
import type { SaveRef } from "./gen/SaveRef";
import type { FilePurpose, Topic } from "./words";

/** Codes of the program, and those of the way to it. */
export type ErrorCode = Code | "unreachable" | "unauthorised" | "unexpected";
type Thrown = Omit<Partial<ApiErrorBody>, "code"> & { code: ErrorCode; message: string };

/** A refusal or failure of a command, as a sentence for people with a code for the screen. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly fields: { [key in string]: string };
  readonly retry: boolean;
  readonly trace: string | null;

  constructor(body: Thrown) {
    super(body.message);
    this.name = "ApiError";
    this.code = body.code;
    this.fields = body.fields ?? {};
    this.retry = body.retry ?? false;
    this.trace = body.trace ?? null;
  }

  /** Whatever was thrown, as an `ApiError`. */
  static of(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) return thrown;
    if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
      return new ApiError(thrown as Thrown);
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ApiError({ code: "unexpected", message });
  }
}

/** Moments, topics: what a commit told. */
export interface Changes {
  /** Position of the commit in the file's order. */
  seq: number;
  topics: Topic[];
}

/** What the screens may ask of the program behind them. */
export interface Host {
  readonly kind: "window" | "http" | "fixture";
  query(name: string, args: unknown): Promise<unknown>;
  mutate(name: string, args: unknown): Promise<unknown>;
  /** Calls back after each commit, and with every topic after a broken connection. Returns how to stop. */
  onChanged(callback: (changes: Changes | "everything") => void): () => void;
  /** Address of another's mail, served with its own CSP header. `ticket` comes from a command's answer. */
  frameUrl(ticket: string): string;
  /** Lets the user choose a file to read. Null: cancelled. */
  chooseFile(purpose: FilePurpose): Promise<{ file: FileRef; name: string } | null>;
  /** Lets the user choose a folder of this machine. Null: cancelled; a page of a browser names none. */
  chooseFolder(): Promise<string | null>;
  /** Lets the user choose where to write. Null: cancelled. */
  chooseSave(purpose: FilePurpose, name: string): Promise<SaveRef | null>;
  /** Keeps rows that the user pasted as a file to read. */
  paste(text: string, name: string): Promise<{ file: FileRef; name: string }>;
  /** Hands a written file to the user, where the host does not write to a path. */
  deliver(saved: Saved, name: string): void;
  /** Paths of files dropped from the system onto the window. Returns how to stop. */
  onFilesDropped(callback: (files: { file: FileRef; name: string }[]) => void): () => void;
}

const lastName = (path: string) => path.split(/[\\/]/).at(-1) ?? path;

/** The desktop window: two commands, one event. */
export class WindowHost implements Host {
  readonly kind = "window";

  async query(name: string, args: unknown): Promise<unknown> {
    return this.#call("query", name, args);
  }

  async mutate(name: string, args: unknown): Promise<unknown> {
    return this.#call("mutate", name, args);
  }

  async #call(command: "query" | "mutate", name: string, args: unknown): Promise<unknown> {
    try {
      return await invoke(command, { name, args });
    } catch (thrown) {
      throw ApiError.of(thrown);
    }
  }

  onChanged(callback: (changes: Changes | "everything") => void): () => void {
    return this.#listen<Changes>("changed", (payload) => callback(payload));
  }

  onFilesDropped(callback: (files: { file: FileRef; name: string }[]) => void): () => void {
    return this.#listen<{ paths: string[] }>("tauri://drag-drop", ({ paths }) => {
      callback(paths.map((path) => ({ file: { path }, name: lastName(path) })));
    });
  }

  #listen<T>(event: string, callback: (payload: T) => void): () => void {
    let stopped = false;
    let unlisten: (() => void) | null = null;
    void listen<T>(event, ({ payload }) => callback(payload)).then((stop) => {
      if (stopped) stop();
      else unlisten = stop;
    });
    return () => {
      stopped = true;
      unlisten?.();
    };
  }

  frameUrl(ticket: string): string {
    return convertFileSrc(ticket, "mail");
  }

  async chooseFile(purpose: FilePurpose) {
    const chosen = (await this.mutate("files.choose", { purpose, words: t(`common.files.${purpose}`) })) as {
      path: string;
      name: string;
    } | null;
    return chosen === null ? null : { file: { path: chosen.path }, name: chosen.name };
  }

  async chooseFolder(): Promise<string | null> {
    const chosen = (await this.mutate("files.choose_folder", {})) as { path: string } | null;
    return chosen?.path ?? null;
  }

  async chooseSave(purpose: FilePurpose, name: string): Promise<SaveRef | null> {
    return (await this.mutate("files.choose_save", { purpose, name, words: t(`common.files.${purpose}`) })) as {
      path: string;
    } | null;
  }

  async paste(text: string, name: string) {
    const kept = (await this.mutate("files.paste", { text, name })) as { path: string };
    return { file: { path: kept.path }, name };
  }

  deliver(): void {}
}

const TOKEN_KEY = "carillon.token";

/** Takes the token out of `#token=…`, so that it stays neither in the address bar nor in the history. */
export function takeToken(location: Location, history: History, storage: Storage): string {
  const found = /^#token=([A-Za-z0-9_-]+)(.*)$/.exec(location.hash);
  if (found?.[1] !== undefined) {
    storage.setItem(TOKEN_KEY, found[1]);
    history.replaceState(null, "", `${location.pathname}${location.search}${found[2] ? `#${found[2]}` : ""}`);
  }
  return storage.getItem(TOKEN_KEY) ?? "";
}

/** `carillon serve`: the same commands over HTTP on the loopback. */
export class HttpHost implements Host {
  readonly kind = "http";
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  query(name: string, args: unknown): Promise<unknown> {
    return this.#post("api/query", { name, args });
  }

  mutate(name: string, args: unknown): Promise<unknown> {
    return this.#post("api/mutate", { name, args });
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    return this.#answer(path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(body),
    });
  }

  async #answer(path: string, init: RequestInit): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(path, init);
    } catch {
      throw new ApiError({ code: "unreachable", message: "", retry: true });
    }
    const text = await response.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    if (!response.ok) {
      throw ApiError.of(body ?? { code: response.status === 401 ? "unauthorised" : "unexpected", message: "" });
    }
    return body;
  }

  onChanged(callback: (changes: Changes | "everything") => void): () => void {
    const source = new EventSource(`api/changes?token=${encodeURIComponent(this.#token)}`);
    let broken = false;
    source.addEventListener("changed", (event) => callback(JSON.parse(event.data) as Changes));
    source.addEventListener("error", () => {
      broken = true;
    });
    // What was committed while the line was down was not told.
    source.addEventListener("open", () => {
      if (broken) callback("everything");
      broken = false;
    });
    return () => source.close();
  }

  frameUrl(ticket: string): string {
    return `api/frame/${encodeURIComponent(ticket)}`;
  }

  chooseFile(purpose: FilePurpose): Promise<{ file: FileRef; name: string } | null> {
    const accept: Partial<Record<FilePurpose, string>> = {
      contacts: ".csv,.txt,.tsv,.xlsx,.xlsm,.json,.jsonl,.ndjson,.vcf,text/csv",
      events: ".csv,.jsonl,.ndjson",
      workspace: ".carillon",
      backup: ".carillon",
      journey: ".json",
      template: ".json,.mjml,.html,.txt",
    };
    return new Promise((resolve, reject) => {
      const input = document.createElement("input");
      input.type = "file";
      input.accept = accept[purpose] ?? "";
      input.addEventListener("cancel", () => resolve(null));
      input.addEventListener("change", () => {
        const file = input.files?.[0];
        if (file === undefined) return resolve(null);
        this.#upload(file).then(resolve, reject);
      });
      input.click();
    });
  }

  async chooseFolder(): Promise<null> {
    return null;
  }

  async #upload(file: File): Promise<{ file: FileRef; name: string }> {
    const answer = (await this.#answer(`api/upload?name=${encodeURIComponent(file.name)}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream", authorization: `Bearer ${this.#token}` },
      body: file,
    })) as { upload: string };
    return { file: { upload: answer.upload }, name: file.name };
  }

  paste(text: string, name: string): Promise<{ file: FileRef; name: string }> {
    return this.#upload(new File([text], name, { type: "text/tab-separated-values" }));
  }

  async chooseSave(_purpose: FilePurpose, name: string): Promise<SaveRef> {
    return { download: name };
  }

  deliver(saved: Saved, name: string): void {
    if (saved.ticket === null) return;
    const link = document.createElement("a");
    link.href = `api/download/${encodeURIComponent(saved.ticket)}`;
    link.download = name;
    link.click();
  }

  onFilesDropped(callback: (files: { file: FileRef; name: string }[]) => void): () => void {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      // Files from the system only; nothing inside the page is ever dragged this way.
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) void Promise.all(files.map((file) => this.#upload(file))).then(callback);
    };
    window.addEventListener("dragover", over);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("drop", drop);
    };
  }
}

let chosen: Host | null = null;

/** Sets the host by hand: vitest and the development server do. */
export function setHost(host: Host): void {
  chosen = host;
}

/** The host of this page. */
export function host(): Host {
  chosen ??= isTauri() ? new WindowHost() : new HttpHost(takeToken(window.location, window.history, sessionStorage));
  return chosen;
}
