import { useLayoutEffect, useRef, useState } from "react";
import { ICONS } from "../icons";

/** Draws every icon once, hidden, hands their outlines to the canvas layer, and is gone. */
export function IconSheet({ onRead }: { onRead: (paths: ReadonlyMap<string, Path2D>) => void }) {
  const sheet = useRef<HTMLDivElement>(null);
  const [read, setRead] = useState(false);
  useLayoutEffect(() => {
    const paths = new Map<string, Path2D>();
    for (const svg of sheet.current?.querySelectorAll<SVGSVGElement>("svg[data-icon]") ?? []) {
      paths.set(svg.dataset.icon ?? "", outline(svg));
    }
    if (paths.size === 0) return;
    onRead(paths);
    setRead(true);
  }, [onRead]);
  if (read) return null;
  return (
    <div ref={sheet} hidden>
      {Object.entries(ICONS).map(([name, Icon]) => (
        <Icon key={name} data-icon={name} />
      ))}
    </div>
  );
}

function outline(svg: SVGSVGElement): Path2D {
  const path = new Path2D();
  for (const part of svg.children) {
    const number = (name: string) => Number(part.getAttribute(name) ?? 0);
    switch (part.tagName.toLowerCase()) {
      case "path":
        path.addPath(new Path2D(part.getAttribute("d") ?? ""));
        break;
      case "circle":
        path.moveTo(number("cx") + number("r"), number("cy"));
        path.arc(number("cx"), number("cy"), number("r"), 0, Math.PI * 2);
        break;
      case "ellipse":
        path.ellipse(number("cx"), number("cy"), number("rx"), number("ry"), 0, 0, Math.PI * 2);
        break;
      case "rect":
        path.roundRect(number("x"), number("y"), number("width"), number("height"), number("rx"));
        break;
      case "line":
        path.moveTo(number("x1"), number("y1"));
        path.lineTo(number("x2"), number("y2"));
        break;
      case "polyline":
      case "polygon": {
        const points = (part.getAttribute("points") ?? "")
          .trim()
          .split(/[\s,]+/)
          .map(Number);
        for (let n = 0; n + 1 < points.length; n += 2) {
          if (n === 0) path.moveTo(points[n] ?? 0, points[n + 1] ?? 0);
          else path.lineTo(points[n] ?? 0, points[n + 1] ?? 0);
        }
        if (part.tagName.toLowerCase() === "polygon") path.closePath();
        break;
      }
    }
  }
  return path;
}
