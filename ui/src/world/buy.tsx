import { useMemo, useState } from "react";
import type { Money } from "@/api/gen/Money";
import { Combobox, Dialog, Field, NumberInput } from "@/design";
import { currencyDigits, money } from "@/format";
import { formatLocale, t } from "@/i18n";

const LAST = "carillon.world.currency";

/** Every currency this machine knows, with its name. */
function currencies(): { value: string; label: string; about: string }[] {
  const names = new Intl.DisplayNames(formatLocale, { type: "currency" });
  return Intl.supportedValuesOf("currency").map((code) => ({
    value: code,
    label: code,
    about: names.of(code) ?? code,
  }));
}

/** Asks what somebody pays, in the currency of the last purchase. */
export function Buy({
  name,
  busy,
  error,
  onBuy,
  onClose,
}: {
  name: string;
  busy: boolean;
  error: string | undefined;
  onBuy: (amount: Money) => void;
  onClose: () => void;
}) {
  const [value, setValue] = useState<number | undefined>(25);
  const [currency, setCurrency] = useState(() => localStorage.getItem(LAST) ?? "EUR");
  const options = useMemo(currencies, []);
  const minor = Math.round((value ?? 0) * 10 ** currencyDigits(currency));
  const nothing = minor <= 0;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("world.buy_title", { name })}
      about={t("world.buy_about")}
      submit={{
        label: t("world.buy_submit", { amount: money(Math.max(0, minor), currency) }),
        disabled: nothing,
        busy,
        run: () => {
          localStorage.setItem(LAST, currency);
          onBuy({ minor, currency });
        },
      }}
    >
      <div className="grid grid-cols-[1fr_140px] gap-3">
        <Field label={t("world.buy_amount")} error={error ?? (nothing ? t("world.buy_nothing") : undefined)}>
          <NumberInput optional min={0} step="any" value={value} onChange={setValue} />
        </Field>
        <Field label={t("world.buy_currency")}>
          <Combobox value={currency} onChange={(next) => next !== null && setCurrency(next)} options={options} />
        </Field>
      </div>
    </Dialog>
  );
}
