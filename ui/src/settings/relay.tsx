import { Radio, Unplug } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { RelayTest } from "@/api/gen/RelayTest";
import type { RelayView } from "@/api/gen/RelayView";
import {
  Button,
  Card,
  Confirm,
  Dialog,
  ErrorNote,
  ErrorView,
  Facts,
  Field,
  Note,
  SkeletonLines,
  StatusDot,
  say,
  sayError,
  TextArea,
  TextInput,
} from "@/design";
import { ago, bytes, count, moment } from "@/format";
import { t } from "@/i18n";
import { useClock } from "@/shell/now";
import { Forms } from "./forms";
import { useKeeping } from "./keep";
import { InviteDialog, JoinDialog } from "./machines";

const COMMAND = "carillon-relay init";

/** Whether a text looks like what `carillon-relay init` prints: `https://relay.example/#tenant.secret`. */
export const isPairingCode = (text: string): boolean => /^https?:\/\/\S+\/?#[\w-]+\.[\w-]{43}$/.test(text.trim());

/** The relay of the workspace and the pages it shows; without one, what it is and how to get it. */
export function Relay() {
  const relay = useRead("relay.get", {});
  if (relay.data === undefined) {
    return relay.isError ? (
      <ErrorView error={relay.error} onRetry={() => void relay.refetch()} />
    ) : (
      <SkeletonLines lines={3} />
    );
  }
  const { url, tenant } = relay.data;
  return url === null || tenant === null ? (
    <NoRelay />
  ) : (
    <>
      <Paired relay={relay.data} url={url} tenant={tenant} />
      <Forms base={`${url}/f/${tenant}/`} />
    </>
  );
}

function NoRelay() {
  const [asking, setAsking] = useState<"pair" | "join" | null>(null);
  const [before, after] = t("settings.relay.about_three", { command: COMMAND }).split(COMMAND);
  return (
    <Card
      title={t("settings.relay.title")}
      actions={
        <>
          <Button onClick={() => setAsking("join")}>{t("settings.machines.join")}</Button>
          <Button icon={Radio} onClick={() => setAsking("pair")}>
            {t("settings.relay.pair")}
          </Button>
        </>
      }
    >
      <div className="max-w-150 space-y-1 text-ink-2">
        <p>{t("settings.relay.about_one")}</p>
        <p>{t("settings.relay.about_two")}</p>
        <p>
          {before}
          <code className="rounded-control border border-line-subtle bg-sunken px-1 font-mono text-table">
            {COMMAND}
          </code>
          {after}
        </p>
      </div>
      {asking === "pair" && <PairDialog onClose={() => setAsking(null)} />}
      {asking === "join" && <JoinDialog onClose={() => setAsking(null)} />}
    </Card>
  );
}

function PairDialog({ onClose }: { onClose: () => void }) {
  const [code, setCode] = useState("");
  const [machine, setMachine] = useState("");
  const { place, fields } = useKeeping();
  const pair = useWrite("relay.pair", {
    onSuccess: () => {
      onClose();
      say(t("settings.relay.paired"));
    },
  });
  const run = () => {
    if (place === null) return;
    pair.mutate({
      code: code.trim(),
      machine: machine.trim() === "" ? null : machine.trim(),
      ca_file: null,
      ...place,
    });
  };
  const wrong = code.trim() !== "" && !isPairingCode(code);
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("settings.relay.pair_title")}
      about={t("settings.relay.pair_about")}
      submit={{
        label: t("settings.relay.pair"),
        run,
        disabled: place === null || !isPairingCode(code),
        busy: pair.isPending,
      }}
    >
      <div className="space-y-4">
        {pair.isError && <ErrorNote error={pair.error} onRetry={run} />}
        <Field
          label={t("settings.relay.code")}
          help={t("settings.relay.code_help")}
          error={wrong ? t("settings.relay.code_wrong") : undefined}
        >
          <TextArea
            rows={3}
            spellCheck={false}
            autoComplete="off"
            className="break-all font-mono"
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        </Field>
        <Field label={t("settings.relay.machine")} help={t("settings.relay.machine_help")} optional>
          <TextInput value={machine} onChange={(event) => setMachine(event.target.value)} />
        </Field>
        {fields}
      </div>
    </Dialog>
  );
}

function Paired({ relay, url, tenant }: { relay: RelayView; url: string; tenant: string }) {
  const { now } = useClock();
  const [leaving, setLeaving] = useState(false);
  const [inviting, setInviting] = useState(false);
  // A sample's own relay runs inside the studio: there is no machine to let in, and nothing to give up.
  const practice = useRead("workspaces.current", {}).data?.workspace.sample ?? false;
  const test = useWrite("relay.test");
  const unpair = useWrite("relay.unpair", {
    onSuccess: () => {
      setLeaving(false);
      say(t("settings.relay.given_up"));
    },
    onError: sayError,
  });
  return (
    <Card
      title={t("settings.relay.title")}
      actions={
        <>
          <Button busy={test.isPending} onClick={() => test.mutate({})}>
            {t("settings.relay.test")}
          </Button>
          {!practice && (
            <>
              <Button onClick={() => setInviting(true)}>{t("settings.machines.invite")}</Button>
              <Button look="danger" icon={Unplug} onClick={() => setLeaving(true)}>
                {t("settings.relay.give_up")}
              </Button>
            </>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <StatusDot tone={relay.trouble === null ? "ok" : "bad"}>{t("settings.relay.paired")}</StatusDot>
        {practice && <p className="text-ink-2">{t("settings.relay.practice")}</p>}
        {relay.trouble !== null && <Note tone="bad">{relay.trouble}</Note>}
        <Facts
          items={[
            {
              label: t("settings.relay.address"),
              value: url,
              note:
                relay.read_at === null
                  ? t("settings.listening.never")
                  : t("settings.listening.read", { ago: ago(relay.read_at, now) }),
            },
            {
              label: t("settings.relay.tenant"),
              value: tenant,
              ...(relay.paired_at === null ? {} : { note: t("settings.relay.since", { at: moment(relay.paired_at) }) }),
            },
          ]}
        />
        <div aria-live="polite" className="space-y-3 empty:hidden">
          {test.isError && <ErrorNote error={test.error} onRetry={() => test.mutate({})} />}
          {test.data !== undefined && !test.isPending && <Tested test={test.data} />}
        </div>
      </div>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      <Confirm
        open={leaving}
        onClose={() => setLeaving(false)}
        onConfirm={() => unpair.mutate({})}
        busy={unpair.isPending}
        title={t("settings.relay.give_up_title")}
        about={t("settings.relay.give_up_about")}
        action={t("settings.relay.give_up")}
      />
    </Card>
  );
}

function Tested({ test }: { test: RelayTest }) {
  if (!test.ok) {
    return (
      <Note tone="bad" title={t("settings.relay.test_bad")}>
        {test.message}
      </Note>
    );
  }
  const { state } = test;
  return (
    <>
      <Note tone="ok" title={t("settings.relay.test_ok", { version: test.message })}>
        {state !== null && t(`settings.relay.rooms.${state.room}`)}
      </Note>
      {state !== null && (
        <Facts
          items={[
            { label: t("settings.relay.kept"), value: count(state.kept) },
            {
              label: t("settings.relay.used"),
              value: t("settings.relay.used_of", { used: bytes(state.used_bytes), quota: bytes(state.quota_bytes) }),
            },
            { label: t("settings.relay.devices"), value: state.devices.map(({ name }) => name).join(", ") },
          ]}
        />
      )}
    </>
  );
}
