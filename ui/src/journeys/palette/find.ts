import type { StepKindFace } from "@/api/gen/StepKindFace";
import { aboutKind, titleOfKind } from "../summary";

/** Kinds whose words hold what was typed; those whose title starts with it come first. */
export function findKinds(faces: readonly StepKindFace[], search: string): StepKindFace[] {
  const wanted = search.trim().toLocaleLowerCase();
  if (wanted === "") return [...faces];
  const rank = (face: StepKindFace): number => {
    const title = titleOfKind(face.kind).toLocaleLowerCase();
    if (title.startsWith(wanted)) return 0;
    if (title.includes(wanted)) return 1;
    return `${aboutKind(face.kind)} ${face.kind.replace(/_/g, " ")}`.toLocaleLowerCase().includes(wanted) ? 2 : 3;
  };
  return faces
    .map((face) => ({ face, rank: rank(face) }))
    .filter((one) => one.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.face);
}
