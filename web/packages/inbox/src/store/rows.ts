/** The conversations that were seen so far, and the lists they make. */

import type { ConversationPage, Id, Row, View } from "@omnibox/api";
import type { Topics } from "./topics.ts";

export interface ListState {
  status: "idle" | "loading" | "ready" | "failed";
  next: string | null;
  /** Older rows than this were not fetched: a row below it that is known by chance stays out. */
  horizon: string | null;
}

const IDLE: ListState = { status: "idle", next: null, horizon: null };
const NONE: readonly Id[] = [];

export const listKey = (view: View, channel: Id | null): string => `${view}/${channel ?? ""}`;

export const belongs = (row: Row, view: View, channel: Id | null, me: Id): boolean => {
  if (channel !== null && row.channel !== channel) return false;
  if (view === "resolved") return row.state === "resolved";
  if (row.state !== "open") return false;
  return view === "all" || row.assignee === (view === "mine" ? me : null);
};

const isNewer = (one: Row, other: Row): number =>
  one.last_at === other.last_at ? other.id - one.id : one.last_at < other.last_at ? 1 : -1;

const isSame = (one: readonly Id[], other: readonly Id[]): boolean =>
  one.length === other.length && one.every((id, index) => id === other[index]);

export function createRows(topics: Topics, me: () => Id) {
  const rows = new Map<Id, Row>();
  const lists = new Map<string, ListState>();
  const orders = new Map<string, { version: number; ids: readonly Id[] }>();
  let version = 0;

  const put = (row: Row): void => {
    const old = rows.get(row.id);
    if (old && old.rev > row.rev) return;
    rows.set(row.id, row);
    version++;
    topics.touch(`row:${row.id}`, "order");
  };

  /** A change that the server does not number: presence, or an own action shown before its answer. */
  const amend = (id: Id, change: Partial<Row>): void => {
    const old = rows.get(id);
    if (old) put({ ...old, ...change });
  };

  const order = (view: View, channel: Id | null): readonly Id[] => {
    const key = listKey(view, channel);
    const kept = orders.get(key);
    if (kept?.version === version) return kept.ids;
    const { horizon } = lists.get(key) ?? IDLE;
    const fresh = [...rows.values()]
      .filter((row) => belongs(row, view, channel, me()) && row.last_at >= (horizon ?? ""))
      .sort(isNewer)
      .map((row) => row.id);
    const ids = kept && isSame(kept.ids, fresh) ? kept.ids : fresh.length ? fresh : NONE;
    orders.set(key, { version, ids });
    return ids;
  };

  const setList = (view: View, channel: Id | null, change: Partial<ListState>): void => {
    const key = listKey(view, channel);
    lists.set(key, { ...(lists.get(key) ?? IDLE), ...change });
    version++;
    topics.touch(`list:${key}`, "order");
  };

  /** Takes a page; the first one also forgets rows of before a reset that it should hold and does not. */
  const putPage = (view: View, channel: Id | null, page: ConversationPage, isFirst: boolean) =>
    topics.batch(() => {
      const horizon = page.next === null ? null : (page.conversations.at(-1)?.last_at ?? null);
      for (const row of page.conversations) put(row);
      if (isFirst)
        for (const row of rows.values())
          if (
            row.rev < 0 &&
            belongs(row, view, channel, me()) &&
            row.last_at >= (horizon ?? "") &&
            rows.delete(row.id)
          )
            topics.touch(`row:${row.id}`);
      setList(view, channel, { status: "ready", next: page.next, horizon });
    });

  return {
    get: (id: Id): Row | undefined => rows.get(id),
    list: (view: View, channel: Id | null): ListState => lists.get(listKey(view, channel)) ?? IDLE,
    put,
    amend,
    order,
    setList,
    putPage,
    ofContact: (contact: Id): Row[] => [...rows.values()].filter((r) => r.contact.id === contact),
    /** The log was replaced: what is known stays on screen, but anything fresh overrules it. */
    distrust: (): void =>
      topics.batch(() => {
        for (const [id, row] of rows) rows.set(id, { ...row, rev: -1 });
        for (const key of lists.keys()) {
          lists.set(key, { ...(lists.get(key) ?? IDLE), status: "idle" });
          topics.touch(`list:${key}`);
        }
      }),
  };
}

export type Rows = ReturnType<typeof createRows>;
