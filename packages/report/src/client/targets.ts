import type { View } from 'vega';
import { ROW } from '../chart-data.js';

/** A mark of a row: a box, of no size for a point of a line. */
export interface Target {
  readonly row: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isRound: boolean;
}

interface Item {
  x?: number;
  y?: number;
  datum?: Record<string, unknown>;
  bounds?: { x1: number; y1: number; x2: number; y2: number };
  opacity?: number;
  items?: Mark[];
}

interface Mark {
  marktype: string;
  role?: string;
  items: Item[];
}

/** What a row is found by, the first that it has: its shape, a point of a line, what annotates it, the edge of an area. */
const SHAPES = new Set(['symbol', 'rect', 'arc', 'shape', 'path']);
const PATHS = new Set(['line', 'trail', 'area']);

/** The marks of each row, of its best kind only: an interval's line does not compete with the point on it. */
export function targetsOf(view: View): Target[] {
  const found: { target: Target; rank: number }[] = [];
  const [left, top] = view.origin();
  const padding = view.padding() as { left?: number; top?: number };
  collect(
    (view.scenegraph() as unknown as { root: Mark }).root,
    left + (padding.left ?? 0),
    top + (padding.top ?? 0),
    found,
  );
  const best = new Map<number, number>();
  for (const { target, rank } of found) best.set(target.row, Math.min(rank, best.get(target.row) ?? rank));
  return found.filter(({ target, rank }) => rank === best.get(target.row)).map(({ target }) => target);
}

function collect(mark: Mark, left: number, top: number, found: { target: Target; rank: number }[]): void {
  for (const item of mark.items) {
    if (mark.marktype === 'group') {
      for (const child of item.items ?? []) {
        if (!child.role?.startsWith('axis') && !child.role?.startsWith('legend'))
          collect(child, left + (item.x ?? 0), top + (item.y ?? 0), found);
      }
      continue;
    }
    const row = item.datum?.[ROW];
    if (typeof row !== 'number') continue;
    const { marktype } = mark;
    if (PATHS.has(marktype)) {
      const place = { x: left + (item.x ?? 0), y: top + (item.y ?? 0), width: 0, height: 0 };
      found.push({ target: { row, ...place, isRound: true }, rank: marktype === 'area' ? 3 : 1 });
    } else if (item.bounds !== undefined) {
      const { x1, y1, x2, y2 } = item.bounds;
      const place = { x: left + x1, y: top + y1, width: x2 - x1, height: y2 - y1 };
      found.push({ target: { row, ...place, isRound: marktype === 'symbol' }, rank: SHAPES.has(marktype) ? 0 : 2 });
    }
  }
}

/** How far a pointer may be from a mark, in pixels: a finger is not a pen. */
const REACH = 18;

/** The row under the pointer: that of the nearest box, and among those the nearest middle. */
export function rowAt(targets: readonly Target[], x: number, y: number): number | undefined {
  let best: { row: number; gap: number; middle: number } | undefined;
  for (const { row, x: left, y: top, width, height } of targets) {
    const gap = Math.hypot(Math.max(left - x, 0, x - left - width), Math.max(top - y, 0, y - top - height));
    if (gap > REACH || (best !== undefined && gap > best.gap)) continue;
    const middle = Math.hypot(x - left - width / 2, y - top - height / 2);
    if (best === undefined || gap < best.gap || middle < best.middle) best = { row, gap, middle };
  }
  return best?.row;
}
