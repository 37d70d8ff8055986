// The journeys' part of the command table, in the shape of `gen/Commands.ts`.
import type { Done, FileRef, JobStarted, Mutation, None, Query, Saved, SaveRef, Topic } from "@/api/commands.draft";
import type { ContactId } from "@/api/gen/ContactId";
import type { EnrolmentId } from "@/api/gen/EnrolmentId";
import type { Fact } from "@/api/gen/Fact";
import type { Journey } from "@/api/gen/Journey";
import type { JourneyId } from "@/api/gen/JourneyId";
import type { JourneyState } from "@/api/gen/JourneyState";
import type { Problem } from "@/api/gen/Problem";
import type { StepId } from "@/api/gen/StepId";
import type { StepKindFace } from "@/api/gen/StepKindFace";

/** A journey in the list. */
export interface JourneyRow {
  id: JourneyId;
  name: string;
  state: JourneyState;
  /** Newest published version, if any. */
  version: number | null;
  /** The draft differs from it. */
  changed: boolean;
  /** People inside now. */
  active: number;
  entered_30_days: number;
  sent_30_days: number;
  /** Problems that keep the draft from being published. */
  problems: number;
  updated_at: string;
}

/** A journey with its draft. */
export interface JourneyView {
  id: JourneyId;
  name: string;
  state: JourneyState;
  /** Newest published version, if any. */
  version: number | null;
  /** The draft's graph differs from that version. */
  changed: boolean;
  document: Journey;
  /** Goes up with each save of the draft. */
  revision: number;
  problems: Problem[];
}

/** Live figures of one step, over all versions. */
export interface StepCounts {
  step: StepId;
  entered: number;
  waiting: number;
  left: Record<string, number>;
}

export interface JourneyCounts {
  steps: StepCounts[];
  /** People inside now. */
  active: number;
}

export type JourneyCommands = {
  "journeys.catalogue": Query<None, StepKindFace[]>;
  /** Names that inspectors offer: events and tags seen in the workspace. */
  "journeys.words": Query<None, { events: string[]; tags: string[] }>;
  "journeys.list": Query<None, JourneyRow[]>;
  "journeys.get": Query<{ id: JourneyId }, JourneyView>;
  /** `revision` is the one the draft was read at; another one in the file is refused with the code `stale`. */
  "journeys.save": Mutation<
    { id: JourneyId | null; document: Journey; revision: number | null },
    { id: JourneyId; revision: number; problems: Problem[] }
  >;
  "journeys.check": Query<{ document: Journey }, Problem[]>;
  /** What a publish would do: who enters at once, who is inside and stays on the old version. */
  "journeys.entering": Query<{ id: JourneyId }, { now: number; inside: number }>;
  "journeys.publish": Mutation<{ id: JourneyId }, { version: number; entering: number }>;
  "journeys.pause": Mutation<{ id: JourneyId }, { state: JourneyState }>;
  "journeys.resume": Mutation<{ id: JourneyId }, { state: JourneyState }>;
  "journeys.drain": Mutation<{ id: JourneyId }, { state: JourneyState }>;
  "journeys.stop": Mutation<{ id: JourneyId }, { state: JourneyState }>;
  "journeys.duplicate": Mutation<{ id: JourneyId }, { id: JourneyId; revision: number; problems: Problem[] }>;
  "journeys.delete": Mutation<{ id: JourneyId }, Done>;
  "journeys.export": Query<{ id: JourneyId }, { name: string; text: string }>;
  /** Writes the canonical text to a path of this machine: what the window's own dialog gave. */
  "journeys.export_file": Mutation<{ id: JourneyId; to: SaveRef }, Saved>;
  "journeys.import_file": Mutation<{ file: FileRef }, { id: JourneyId; name: string; problems: Problem[] }>;
  "journeys.counts": Query<{ id: JourneyId }, JourneyCounts>;
  /** The job's result is a `SimReport`. */
  "journeys.simulate": Mutation<{ document: Journey; days: number; seed: number; start: string | null }, JobStarted>;
  "journeys.try": Query<{ document: Journey; contact: ContactId; days: number }, Fact[]>;
  "journeys.path": Query<{ id: JourneyId; contact: ContactId; enrolment: EnrolmentId | null }, Fact[]>;
  "journeys.people": Query<{ id: JourneyId; step: StepId | null; limit: number }, { id: ContactId; email: string }[]>;
  "journeys.enter": Mutation<{ id: JourneyId; contact: ContactId }, Done>;
};

export const JOURNEY_READS: Record<string, readonly Topic[]> = {
  "journeys.catalogue": [],
  "journeys.words": ["events", "tags"],
  "journeys.list": ["journeys", "enrolments", "outbox", "reports"],
  "journeys.get": ["journeys", "fields", "segments", "templates", "accounts"],
  "journeys.check": ["fields", "segments", "templates", "accounts"],
  "journeys.entering": ["journeys", "membership"],
  "journeys.export": ["journeys"],
  "journeys.counts": ["journeys", "enrolments", "reports"],
  "journeys.try": [],
  "journeys.path": ["enrolments"],
  "journeys.people": ["enrolments"],
};
