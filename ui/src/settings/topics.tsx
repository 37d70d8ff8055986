import { Plus, X } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { Topic } from "@/api/gen/Topic";
import type { TopicDraft } from "@/api/gen/TopicDraft";
import { Button, Card, ErrorView, IconButton, SkeletonLines, say, sayError, TextInput } from "@/design";
import { t } from "@/i18n";

/** What mails may be about. People leave a topic on the relay's preference page, and get the others. */
export function Topics() {
  const topics = useRead("topics.list", {});
  if (topics.data === undefined) {
    return topics.isError ? (
      <ErrorView error={topics.error} onRetry={() => void topics.refetch()} />
    ) : (
      <SkeletonLines lines={2} />
    );
  }
  return <List key={JSON.stringify(topics.data)} saved={topics.data} />;
}

/** So many numbers a link has room for. */
const MOST = 32;

interface Row extends TopicDraft {
  /** Tells rows apart that have no number yet. */
  row: number;
}

function List({ saved }: { saved: readonly Topic[] }) {
  const [rows, setRows] = useState<Row[]>(() => saved.map((topic, row) => ({ ...topic, row })));
  const [next, setNext] = useState(saved.length);
  /** The row that was added last: its name is written next. */
  const [added, setAdded] = useState<number | null>(null);
  const save = useWrite("topics.save", { onSuccess: () => say(t("settings.topics.saved")), onError: sayError });
  const put = (row: number, change: Partial<TopicDraft>) =>
    setRows(rows.map((each) => (each.row === row ? { ...each, ...change } : each)));
  const drafts = rows.map(({ number, name, about }) => ({ number, name: name.trim(), about: about.trim() }));
  const changed =
    JSON.stringify(drafts) !== JSON.stringify(saved.map(({ number, name, about }) => ({ number, name, about })));
  const complete = drafts.every(({ name }) => name !== "");
  const add = () => {
    setRows([...rows, { row: next, number: null, name: "", about: "" }]);
    setAdded(next);
    setNext(next + 1);
  };
  return (
    <Card
      title={t("settings.topics.title")}
      about={t("settings.topics.about")}
      actions={
        <Button icon={Plus} disabled={rows.length >= MOST} onClick={add}>
          {t("settings.topics.add")}
        </Button>
      }
    >
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (changed && complete) save.mutate({ topics: drafts });
        }}
      >
        {rows.length >= MOST && <p className="text-ink-3">{t("settings.topics.most")}</p>}
        {rows.length === 0 && <p className="text-ink-3">{t("settings.topics.none")}</p>}
        <ul className="space-y-2 empty:hidden">
          {rows.map(({ row, name, about }) => (
            <li key={row} className="flex flex-wrap items-center gap-2">
              <div className="w-48">
                <TextInput
                  aria-label={t("settings.topics.name")}
                  placeholder={t("settings.topics.name")}
                  autoFocus={row === added}
                  value={name}
                  onChange={(event) => put(row, { name: event.target.value })}
                />
              </div>
              <div className="min-w-0 flex-1 basis-48">
                <TextInput
                  aria-label={t("settings.topics.words")}
                  placeholder={t("settings.topics.words")}
                  value={about}
                  onChange={(event) => put(row, { about: event.target.value })}
                />
              </div>
              <IconButton
                icon={X}
                label={t("settings.topics.remove", { name })}
                onClick={() => setRows(rows.filter((each) => each.row !== row))}
              />
            </li>
          ))}
        </ul>
        {(rows.length > 0 || changed) && (
          <div>
            <Button type="submit" disabled={!changed || !complete} busy={save.isPending}>
              {t("settings.topics.save")}
            </Button>
          </div>
        )}
      </form>
    </Card>
  );
}
