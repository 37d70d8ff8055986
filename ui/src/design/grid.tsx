import {
  type CellData,
  type ColumnDef,
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { t } from "@/i18n";
import { cx } from "./cx";
import { CheckBox } from "./fields";
import {
  type Geometry,
  type Position,
  revealRow,
  ringOf,
  scrolledTo,
  settledTop,
  spacerHeight,
  visibleRows,
} from "./scroller";
import { useRowHeight } from "./theme";

const features = tableFeatures({ columnSizingFeature, columnResizingFeature, columnVisibilityFeature });

/** The library keeps the columns; rows are drawn from what the caller holds. */
const NO_ROWS: object[] = [];

export interface Column<T> {
  key: string;
  title: string;
  width: number;
  /** Figures are set to the right. */
  numeric?: boolean;
  sortable?: boolean;
  /** The title is heard and not seen: columns of buttons. */
  quiet?: boolean;
  cell: (row: T) => ReactNode;
}

export interface GridHandle {
  /** Brings a row into sight and makes it the current one. */
  reveal: (row: number) => void;
}

export interface GridProps<T> {
  /** What the table lists: its name for screen readers. */
  label: string;
  columns: readonly Column<T>[];
  /** Keys of columns that are not shown. */
  hidden?: ReadonlySet<string>;
  rows: number;
  rowAt: (index: number) => T | undefined;
  /** The rows to be drawn next, so that whoever holds the data can fetch them. */
  onRange?: (first: number, end: number) => void;
  onOpen?: (row: T, index: number) => void;
  sort?: { key: string; desc: boolean } | null;
  onSort?: (sort: { key: string; desc: boolean } | null) => void;
  /** With it, rows have a box. `all` stands for every row of the list, known or not. */
  selection?: {
    has: (row: T) => boolean;
    all: "none" | "some" | "all";
    toggle: (row: T) => void;
    toggleAll: () => void;
    /** Lets go of all of them. */
    clear: () => void;
    nameOf: (row: T) => string;
  };
  /** The row whose content is open beside the table. */
  chosen?: (row: T) => boolean;
  /** What is shown where there is no row. */
  empty?: ReactNode;
  ref?: Ref<GridHandle>;
  className?: string;
}

const SETTLE_MS = 120;
const BOX = 40;

/**
 * A table of up to millions of rows: a scaled scroller with real rows for screen readers. The grid is one stop
 * of the Tab key; arrows, Page Up and Down, Home and End move the current row, Enter opens it, Space selects it;
 * Ctrl+A selects every row and Escape none.
 */
export function Grid<T>(props: GridProps<T>) {
  const { label, columns, hidden, rows, rowAt, onRange, onOpen, sort, onSort } = props;
  const { selection, chosen, empty, className } = props;
  const rowHeight = useRowHeight();
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(600);
  const [position, setPosition] = useState<Position>({ offset: 0, top: 0 });
  const [current, setCurrent] = useState(0);
  const settling = useRef<ReturnType<typeof setTimeout> | null>(null);

  const geometry: Geometry = { rows, rowHeight, view: Math.max(rowHeight, view - rowHeight) };
  const { first, end } = visibleRows(
    Math.min(position.offset, Math.max(0, rows * rowHeight - geometry.view)),
    geometry,
  );
  const drawn: number[] = [];
  for (let index = first; index < end; index++) drawn.push(index);
  const ring = ringOf(geometry);

  // A movement draws the table anew sixty times a second: what it does not change has to stay the same.
  const definitions = useMemo(
    () =>
      columns.map(
        (column): ColumnDef<typeof features, object, CellData> => ({
          id: column.key,
          header: column.title,
          size: column.width,
          minSize: 64,
          maxSize: 800,
        }),
      ),
    [columns],
  );
  const visible = useMemo(() => columns.filter((column) => !(hidden?.has(column.key) ?? false)), [columns, hidden]);
  const state = useMemo(
    () => ({ columnVisibility: Object.fromEntries(columns.map((column) => [column.key, visible.includes(column)])) }),
    [columns, visible],
  );
  const table = useTable({ features, columns: definitions, data: NO_ROWS, columnResizeMode: "onChange", state });

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setView(element.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => onRange?.(first, end), [first, end, onRange]);
  const unsettle = () => void (settling.current !== null && clearTimeout(settling.current));
  useEffect(() => () => void (settling.current !== null && clearTimeout(settling.current)), []);

  const settle = (offset: number) => {
    unsettle();
    settling.current = setTimeout(() => {
      const top = settledTop(offset, geometry);
      if (box.current === null || box.current.scrollTop === top) return;
      setPosition({ offset, top });
      box.current.scrollTop = top;
    }, SETTLE_MS);
  };

  const onScroll = () => {
    const top = box.current?.scrollTop ?? 0;
    if (top === position.top) return;
    const next = scrolledTo(position, top, geometry);
    setPosition(next);
    settle(next.offset);
  };

  const reveal = (row: number) => {
    const target = Math.min(rows - 1, Math.max(0, row));
    setCurrent(target);
    const offset = revealRow(target, position.offset, geometry);
    if (offset === position.offset) return;
    // A movement that has just ended would be settled where it was, and throw the list back there.
    unsettle();
    const top = settledTop(offset, geometry);
    setPosition({ offset, top });
    if (box.current !== null) box.current.scrollTop = top;
  };
  useImperativeHandle(props.ref, () => ({ reveal }));

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== box.current) return;
    const page = Math.max(1, Math.floor(geometry.view / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: rows - 1,
    };
    const target = moves[event.key];
    if (target !== undefined) {
      event.preventDefault();
      reveal(target);
      return;
    }
    if (selection !== undefined && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      if (selection.all !== "all") selection.toggleAll();
      return;
    }
    if (event.key === "Escape" && selection !== undefined && selection.all !== "none") {
      event.preventDefault();
      selection.clear();
      return;
    }
    const row = rowAt(current);
    if (row === undefined) return;
    if (event.key === "Enter") {
      event.preventDefault();
      onOpen?.(row, current);
    } else if (event.key === " " && selection !== undefined) {
      event.preventDefault();
      selection.toggle(row);
    }
  };

  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const total = headers.reduce((sum, header) => sum + header.getSize(), selection === undefined ? 0 : BOX);
  // What is left goes to the last column where it holds words; figures stay beside their neighbours.
  const wordsLast = visible.at(-1)?.numeric !== true;
  const widths = headers.map((header, at) =>
    wordsLast && at === headers.length - 1 ? `minmax(${header.getSize()}px, 1fr)` : `${header.getSize()}px`,
  );
  const template = `${selection === undefined ? "" : `${BOX}px `}${widths.join(" ")}${wordsLast ? "" : " 1fr"}`;
  const base = position.top - Math.min(position.offset, Math.max(0, rows * rowHeight - geometry.view));
  const name = label;

  if (rows === 0 && empty !== undefined)
    return <div className={cx("min-h-0 flex-1 overflow-auto", className)}>{empty}</div>;

  return (
    <div
      ref={box}
      role="grid"
      aria-label={name}
      aria-rowcount={rows + 1}
      aria-colcount={headers.length + (selection === undefined ? 0 : 1)}
      aria-activedescendant={rows > 0 && current >= first && current < end ? `row-${current}` : undefined}
      tabIndex={0}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      className={cx(
        "group/grid relative min-h-0 flex-1 overflow-auto",
        // The current row has the ring; rows would lie over one around the table.
        rows > 0 && current >= first && current < end ? "outline-none" : "ring-inside",
        className,
      )}
    >
      <div
        role="row"
        aria-rowindex={1}
        className="row-h sticky top-0 z-10 grid items-stretch border-line-subtle border-b bg-app text-ink-3 text-table"
        style={{ gridTemplateColumns: template, minWidth: total }}
      >
        {selection !== undefined && (
          <div role="columnheader" className="flex items-center justify-center">
            <CheckBox
              checked={selection.all === "all"}
              some={selection.all === "some"}
              onChange={selection.toggleAll}
              label={t("common.select_all")}
            />
          </div>
        )}
        {headers.map((header) => {
          const column = columns.find((each) => each.key === header.column.id);
          if (column === undefined) return null;
          return (
            <HeaderCell
              key={header.id}
              column={column}
              sort={sort ?? null}
              onSort={onSort}
              onResize={header.getResizeHandler()}
              widen={(by) =>
                table.setColumnSizing((sizes) => ({
                  ...sizes,
                  [column.key]: Math.min(800, Math.max(64, header.getSize() + by)),
                }))
              }
            />
          );
        })}
      </div>
      <div role="rowgroup" style={{ height: spacerHeight(geometry), minWidth: total }} className="relative">
        {drawn.map((index) => {
          const row = rowAt(index);
          return (
            <Line
              key={index % ring}
              index={index}
              row={row}
              columns={visible}
              top={base + index * rowHeight}
              height={rowHeight}
              template={template}
              current={index === current}
              selected={row !== undefined && (selection?.has(row) ?? false)}
              open={row !== undefined && (chosen?.(row) ?? false)}
              selection={selection}
              onCurrent={setCurrent}
              onOpen={onOpen}
            />
          );
        })}
      </div>
    </div>
  );
}

interface LineProps<T> {
  index: number;
  /** Not there yet where it is undefined. */
  row: T | undefined;
  columns: readonly Column<T>[];
  top: number;
  height: number;
  template: string;
  current: boolean;
  selected: boolean;
  open: boolean;
  selection: GridProps<T>["selection"];
  onCurrent: (index: number) => void;
  onOpen: GridProps<T>["onOpen"];
}

/** A row, drawn anew only when something of it changed. */
const Line = memo(function Line<T>(props: LineProps<T>) {
  const { index, row, columns, top, height, template, current, selected, open, selection, onCurrent, onOpen } = props;
  return (
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selection === undefined ? undefined : selected}
      aria-current={open || undefined}
      onClick={() => {
        onCurrent(index);
        if (row !== undefined) onOpen?.(row, index);
      }}
      className={cx(
        "absolute inset-x-0 grid items-center border-line-subtle border-b text-table [contain:layout_paint]",
        selected || open ? "bg-selected" : "hover:bg-hover",
        current &&
          "group-focus-visible/grid:outline-2 group-focus-visible/grid:outline-focus group-focus-visible/grid:-outline-offset-2",
      )}
      style={{ top, height, gridTemplateColumns: template }}
    >
      {selection !== undefined && (
        <div
          role="gridcell"
          className="flex h-full items-center justify-center"
          onClick={(event) => event.stopPropagation()}
        >
          {row !== undefined && (
            <CheckBox
              checked={selected}
              onChange={() => selection.toggle(row)}
              label={t("common.select_row", { name: selection.nameOf(row) })}
            />
          )}
        </div>
      )}
      {columns.map((column) => (
        <div
          key={column.key}
          role="gridcell"
          className={cx("min-w-0 truncate px-3", column.numeric && "figures text-right")}
        >
          {row === undefined ? (
            <span className="late block" aria-hidden>
              <span className="skeleton block h-3 w-2/3" />
            </span>
          ) : (
            column.cell(row)
          )}
        </div>
      ))}
    </div>
  );
}) as <T>(props: LineProps<T>) => ReactNode;

function HeaderCell<T>({
  column,
  sort,
  onSort,
  onResize,
  widen,
}: {
  column: Column<T>;
  sort: { key: string; desc: boolean } | null;
  onSort: ((sort: { key: string; desc: boolean } | null) => void) | undefined;
  onResize: (event: unknown) => void;
  widen: (by: number) => void;
}) {
  const sorted = sort?.key === column.key;
  const Arrow = sort?.desc ? ArrowDown : ArrowUp;
  const next = sorted ? (sort.desc ? null : { key: column.key, desc: true }) : { key: column.key, desc: false };
  const words = (
    <span className={cx("flex min-w-0 items-center gap-1", column.numeric && "justify-end")}>
      <span className={column.quiet ? "sr-only" : "truncate"}>{column.title}</span>
      {sorted && <Arrow size={12} aria-hidden className="shrink-0" />}
    </span>
  );
  return (
    <div
      role="columnheader"
      aria-sort={sorted ? (sort.desc ? "descending" : "ascending") : undefined}
      className="relative flex min-w-0 items-stretch"
    >
      {column.sortable && onSort !== undefined ? (
        <button
          type="button"
          onClick={() => onSort(next)}
          onKeyDown={(event) => {
            if (!event.altKey || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
            event.preventDefault();
            widen(event.key === "ArrowRight" ? 16 : -16);
          }}
          className="ring-inside w-full min-w-0 px-3 text-left hover:bg-hover hover:text-ink-1"
        >
          {words}
        </button>
      ) : (
        <span className="flex w-full min-w-0 items-center px-3 [&>span]:w-full">{words}</span>
      )}
      <span
        aria-hidden
        onMouseDown={onResize}
        onTouchStart={onResize}
        className="absolute inset-y-1 right-0 w-1.5 cursor-col-resize border-line-default border-r opacity-0 hover:opacity-100"
      />
    </div>
  );
}
