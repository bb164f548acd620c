/** A list that is pointed at keeps its order; what changed meanwhile waits to be shown. */

import type { Id } from "@omnibox/api";

export interface Steady {
  ids: readonly Id[];
  /** Rows that would come in, or move up. */
  waiting: number;
}

/** `held` in its order without what left the list; older rows of a fresh page still join at the end. */
export function steady(held: readonly Id[] | null, live: readonly Id[]): Steady {
  if (!held) return { ids: live, waiting: 0 };
  const alive = new Set(live);
  const kept = held.filter((id) => alive.has(id));
  const known = new Set(kept);
  let end = live.length;
  while (end > 0 && !known.has(live[end - 1] as Id)) end--;
  const tail = kept.length ? live.slice(end) : [];
  const tailed = new Set(tail);
  const fresh = live.filter((id) => !known.has(id) && !tailed.has(id)).length;
  const ranks = new Map(live.filter((id) => known.has(id)).map((id, rank) => [id, rank]));
  const moved = kept.filter((id, rank) => (ranks.get(id) ?? 0) < rank).length;
  return { ids: [...kept, ...tail], waiting: fresh + moved };
}
