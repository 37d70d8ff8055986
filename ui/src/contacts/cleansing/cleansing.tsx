import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, Sparkles } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import { Button, Combobox, ErrorView, Field, Select, SkeletonLines, Tabs } from "@/design";
import { t } from "@/i18n";
import { JobProgress } from "@/shell/job";
import { countryName } from "./countries";
import { Found } from "./found";
import { Past } from "./past";
import { Quality } from "./quality";
import { useCleansing } from "./work";

const route = getRouteApi("/contacts/cleansing");
const TABS = ["found", "quality", "past"] as const;
const EVERYBODY = "everybody";

/** Data of contacts that can be put right. */
export function CleansingScreen() {
  const navigate = useNavigate();
  const { tab } = route.useSearch();
  const shown = useRead("cleansing.show", {});
  const work = useCleansing(shown.data?.running ?? null);
  if (shown.isError) return <ErrorView error={shown.error} onRetry={() => void shown.refetch()} />;
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("contacts.cleansing.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 font-semibold text-section">{t("contacts.cleansing.title")}</h1>
      </header>
      {shown.data === undefined ? (
        <SkeletonLines lines={10} />
      ) : (
        <>
          <Search
            country={shown.data.found?.asked.country ?? shown.data.country}
            countries={shown.data.countries}
            busy={work.busy}
            onFind={work.find}
          />
          {work.running !== null && (
            <div className="px-6 pb-3">
              <JobProgress job={work.job} label={t(`contacts.cleansing.running.${work.running}`)} />
            </div>
          )}
          <Tabs
            label={t("contacts.cleansing.tabs_label")}
            className="min-h-0 flex-1"
            value={TABS.find((each) => each === tab) ?? "found"}
            onChange={(next) => void navigate({ to: "/contacts/cleansing", search: { tab: next }, replace: true })}
            tabs={[
              {
                value: "found",
                label: t("contacts.cleansing.tabs.found"),
                fills: true,
                panel: <Found found={shown.data.found} work={work} />,
              },
              {
                value: "quality",
                label: t("contacts.cleansing.tabs.quality"),
                fills: true,
                panel: <Quality />,
              },
              {
                value: "past",
                label: t("contacts.cleansing.tabs.past"),
                panel: <Past past={shown.data.past} work={work} />,
              },
            ]}
          />
        </>
      )}
    </>
  );
}

interface SearchProps {
  country: string | null;
  countries: readonly string[];
  busy: boolean;
  onFind: (asked: { where: string | null; country: string | null }) => void;
}

/** Whose data is looked through, and what is known of it. */
function Search({ country, countries, busy, onFind }: SearchProps) {
  const segments = useRead("segments.list", {});
  const [where, setWhere] = useState(EVERYBODY);
  const [chosen, setChosen] = useState<string | null | undefined>(undefined);
  const home = chosen === undefined ? country : chosen;
  const options = countries
    .map((code) => ({ value: code, label: countryName(code), about: code }))
    .toSorted((one, other) => one.label.localeCompare(other.label));
  return (
    <div className="flex shrink-0 flex-wrap items-end gap-4 px-6 pb-3">
      <Field label={t("contacts.cleansing.who")} className="w-60">
        <Select
          value={where}
          onChange={setWhere}
          options={[
            { value: EVERYBODY, label: t("contacts.cleansing.everybody") },
            ...(segments.data ?? []).map((each) => ({ value: each.text, label: each.name })),
          ]}
        />
      </Field>
      <Field label={t("contacts.cleansing.country")} className="w-72">
        <Combobox
          value={home}
          onChange={setChosen}
          options={options}
          placeholder={t("contacts.cleansing.no_country")}
        />
      </Field>
      <Button
        look="primary"
        icon={Sparkles}
        busy={busy}
        onClick={() => onFind({ where: where === EVERYBODY ? null : where, country: home })}
      >
        {t("contacts.cleansing.find")}
      </Button>
    </div>
  );
}
