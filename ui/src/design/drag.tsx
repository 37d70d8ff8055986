// Every drag inside the app goes through here. No HTML5 drag: after one, WebKitGTK swallows the next
// `pointerdown`, so a pointer drag that follows does nothing.
import {
  type Announcements,
  DndContext,
  type DragEndEvent,
  DragOverlay,
  type DragStartEvent,
  KeyboardSensor,
  MouseSensor,
  TouchSensor,
  useDraggable,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { type HTMLAttributes, type ReactNode, useState } from "react";
import { createPortal } from "react-dom";
import { portalRoot } from "./cx";

/** Stops the browser's own drags of images, links and selected text. Returns how to stop. */
export function forbidNativeDrag(): () => void {
  const prevent = (event: Event) => event.preventDefault();
  document.addEventListener("dragstart", prevent, { capture: true });
  return () => document.removeEventListener("dragstart", prevent, { capture: true });
}

/** Sensors of the house: a mouse after 4 px, a finger after a moment, the keyboard. Never pointer events. */
export function useDragSensors() {
  return useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 180, tolerance: 6 } }),
    useSensor(KeyboardSensor),
  );
}

/** A part of the screen in which things are dragged. `ghost` draws what moves. */
export function DragArea<T>({
  children,
  onDrop,
  ghost,
  announcements,
}: {
  children: ReactNode;
  /** `over` is the place's id, null where it was let go outside. */
  onDrop: (what: T, over: string | null, event: DragEndEvent) => void;
  ghost: (what: T) => ReactNode;
  announcements?: Announcements;
}) {
  const sensors = useDragSensors();
  const [moving, setMoving] = useState<T | null>(null);
  const started = (event: DragStartEvent) => setMoving((event.active.data.current?.what as T | undefined) ?? null);
  const ended = (event: DragEndEvent) => {
    setMoving(null);
    const what = event.active.data.current?.what as T | undefined;
    if (what !== undefined) onDrop(what, event.over === null ? null : String(event.over.id), event);
  };
  return (
    <DndContext
      sensors={sensors}
      autoScroll={{ threshold: { x: 0.04, y: 0.04 } }}
      onDragStart={started}
      onDragEnd={ended}
      onDragCancel={() => setMoving(null)}
      {...(announcements === undefined ? {} : { accessibility: { announcements } })}
    >
      {children}
      {createPortal(
        <DragOverlay dropAnimation={null}>{moving === null ? null : ghost(moving)}</DragOverlay>,
        portalRoot(),
      )}
    </DndContext>
  );
}

/** Makes an element draggable: spread `handle` on it and give it `ref`. */
export function useDrag<T>(id: string, what: T, disabled = false) {
  const { attributes, listeners, setNodeRef, isDragging } = useDraggable({ id, data: { what }, disabled });
  const handle: HTMLAttributes<HTMLElement> = { ...attributes, ...listeners };
  return { ref: setNodeRef, handle, dragging: isDragging };
}

/** Makes an element a place to drop on. */
export function useDrop(id: string, disabled = false) {
  const { setNodeRef, isOver } = useDroppable({ id, disabled });
  return { ref: setNodeRef, over: isOver };
}
