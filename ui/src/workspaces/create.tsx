import { lazy, Suspense } from "react";

const CreateForm = lazy(() => import("./create-form"));

/** The form of a new workspace, fetched when somebody asks for it. */
export function CreateWorkspace({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? (
    <Suspense fallback={null}>
      <CreateForm onClose={onClose} />
    </Suspense>
  ) : null;
}
