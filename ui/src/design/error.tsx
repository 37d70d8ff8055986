import { CircleAlert } from "lucide-react";
import { ApiError } from "@/api/host";
import { t, tx } from "@/i18n";
import { Button } from "./button";
import { Note } from "./display";

/** An error in words: the program's own sentence, else the one its code has here. */
export function errorText(error: ApiError): { title: string; about: string } {
  const title = tx(`common.errors.${error.code}`, t("common.errors.unexpected"));
  return { title, about: error.message };
}

/** An error above what is still there. */
export function ErrorNote({ error, action, onRetry }: { error: unknown; action?: string; onRetry: () => void }) {
  const { title, about } = errorText(ApiError.of(error));
  return (
    <Note tone="bad" title={title} actions={<Button onClick={onRetry}>{action ?? t("common.try_again")}</Button>}>
      {about}
    </Note>
  );
}

/** Where an answer should be, and did not come. */
export function ErrorView({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const api = ApiError.of(error);
  const { title, about } = errorText(api);
  return (
    <div role="alert" className="flex h-full min-h-40 flex-col items-center justify-center p-8 text-center">
      <CircleAlert size={20} aria-hidden className="mb-3 text-bad" />
      <h2 className="font-semibold text-section">{title}</h2>
      {about !== "" && <p className="mt-1 max-w-120 break-words text-ink-2">{about}</p>}
      {api.trace !== null && (
        <p className="mt-2 font-mono text-ink-3 text-meta">{t("common.trace", { trace: api.trace })}</p>
      )}
      {onRetry !== undefined && (
        <Button className="mt-4" onClick={onRetry}>
          {t("common.try_again")}
        </Button>
      )}
    </div>
  );
}
