/** Keys of what every company has: they stand in the head of its page. */
export const NAMED: ReadonlySet<string> = new Set(["company.name", "company.domain"]);

/** Whether a field is one of companies, which contacts read of theirs. */
export const isOfCompany = (key: string): boolean => key.startsWith("company.");
