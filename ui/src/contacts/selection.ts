import type { ContactId } from "@/api/gen/ContactId";
import type { Who } from "@/api/gen/Who";

/** Some contacts, or all that the filter finds but for some: never a list of a million ids. */
export type Selection = { of: "some"; ids: ReadonlySet<ContactId> } | { of: "all"; except: ReadonlySet<ContactId> };

export const NOBODY: Selection = { of: "some", ids: new Set() };
export const EVERYBODY: Selection = { of: "all", except: new Set() };

const toggled = (set: ReadonlySet<ContactId>, id: ContactId): ReadonlySet<ContactId> => {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
};

export function toggle(selection: Selection, id: ContactId): Selection {
  return selection.of === "some"
    ? { of: "some", ids: toggled(selection.ids, id) }
    : { of: "all", except: toggled(selection.except, id) };
}

export function has(selection: Selection, id: ContactId): boolean {
  return selection.of === "some" ? selection.ids.has(id) : !selection.except.has(id);
}

/** How many are meant, of `total` that the filter finds. */
export function size(selection: Selection, total: number): number {
  return selection.of === "some" ? selection.ids.size : Math.max(0, total - selection.except.size);
}

export function extent(selection: Selection, total: number): "none" | "some" | "all" {
  const chosen = size(selection, total);
  return chosen === 0 ? "none" : chosen === total ? "all" : "some";
}

export function whoOf(selection: Selection, where: string | null, search: string | null): Who {
  return selection.of === "some" ? { ids: [...selection.ids] } : { where, search, except: [...selection.except] };
}
