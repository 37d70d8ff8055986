import { Link } from "@tanstack/react-router";
import type { Named } from "@/api/gen/Named";

/** Some people by their addresses, each leading to its contact. */
export function People({ people }: { people: readonly Named[] }) {
  return (
    <ul className="-mx-2">
      {people.map(({ id, email }) => (
        <li key={id}>
          <Link
            to="/contacts/$contact"
            params={{ contact: String(id) }}
            className="ring-inside block truncate rounded-control px-2 py-1 hover:bg-hover"
          >
            {email}
          </Link>
        </li>
      ))}
    </ul>
  );
}
