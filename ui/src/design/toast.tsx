import { Toast as BaseToast } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { ApiError } from "@/api/host";
import { t } from "@/i18n";
import { Button, IconButton } from "./button";
import { portalRoot } from "./cx";
import { errorText } from "./error";

interface Extra {
  undo?: { label: string; run: () => void };
}

const manager = BaseToast.createToastManager<Extra>();

/** Says that something was done, with the way back where there is one. Stays 8 s, longer under pointer or focus. */
export function say(text: string, undo?: { label: string; run: () => void }): void {
  manager.add({ title: text, type: "done", timeout: 8000, data: undo === undefined ? {} : { undo } });
}

/** Says what went wrong and stays until it is closed. */
export function sayError(thrown: unknown): void {
  const { title, about } = errorText(ApiError.of(thrown));
  manager.add({ title, description: about, type: "bad", timeout: 0, priority: "high", data: {} });
}

/** Takes away all that was said: it was about another workspace. */
export function unsay(): void {
  manager.close();
}

/** Holds the toasts; once in the page. */
export function Toasts() {
  return (
    <BaseToast.Provider toastManager={manager} limit={4}>
      <BaseToast.Portal container={portalRoot()}>
        <BaseToast.Viewport className="fixed right-4 bottom-4 z-50 flex w-90 max-w-[calc(100vw-32px)] flex-col-reverse gap-2">
          <List />
        </BaseToast.Viewport>
      </BaseToast.Portal>
    </BaseToast.Provider>
  );
}

function List() {
  const { toasts } = BaseToast.useToastManager<Extra>();
  return toasts.map((toast) => {
    const Icon = toast.type === "bad" ? CircleAlert : CircleCheck;
    const undo = toast.data?.undo;
    return (
      <BaseToast.Root
        key={toast.id}
        toast={toast}
        className="flex items-start gap-2.5 rounded-menu border border-line-default bg-surface py-2 pr-2 pl-3 shadow-(--shadow-float) transition-opacity duration-[180ms] data-ending-style:opacity-0 data-starting-style:opacity-0"
      >
        <Icon
          size={16}
          aria-hidden
          className={toast.type === "bad" ? "mt-2 shrink-0 text-bad" : "mt-2 shrink-0 text-ok"}
        />
        <div className="min-w-0 flex-1 py-1.5">
          <BaseToast.Title className="break-words font-medium text-body" render={<p />} />
          <BaseToast.Description className="break-words text-ink-2" />
        </div>
        {undo !== undefined && (
          <Button
            look="quiet"
            onClick={() => {
              undo.run();
              manager.close(toast.id);
            }}
          >
            {undo.label}
          </Button>
        )}
        <BaseToast.Close render={<IconButton icon={X} label={t("common.close")} />} />
      </BaseToast.Root>
    );
  });
}
