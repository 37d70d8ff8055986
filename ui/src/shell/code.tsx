import { lazy, Suspense } from "react";
import { SkeletonLines } from "@/design";
import type { CodeProps } from "@/design/code";

const Editor = lazy(() => import("@/design/code"));

/** The source editor, fetched when it is first needed. */
export function Code(props: CodeProps) {
  return (
    <Suspense fallback={<SkeletonLines lines={3} />}>
      <Editor {...props} />
    </Suspense>
  );
}
