/** Hooks that read the store; each repaints only for its own topics. */

import type { Agent, Channel, Connector, Counts, Id, Row, View } from "@omnibox/api";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import type { Pending } from "../store/pending.ts";
import type { ListState } from "../store/rows.ts";
import { listKey } from "../store/rows.ts";
import type { Connectivity, Desk, Store } from "../store/store.ts";
import type { Thread } from "../store/threads.ts";
import { useServices } from "./services.ts";

function useLive<T>(topic: string, read: (store: Store) => T): T {
  const { store } = useServices();
  const subscribe = useCallback((run: () => void) => store.topics.on(topic, run), [store, topic]);
  return useSyncExternalStore(subscribe, () => read(store));
}

/** Only below the signed-in shell, where the snapshot is there. */
export function useDesk(): Desk {
  const desk = useLive("desk", (store) => store.desk());
  if (!desk) throw new Error("no snapshot yet");
  return desk;
}

export const useMaybeDesk = (): Desk | null => useLive("desk", (store) => store.desk());
export const useCounts = (): Counts => useLive("counts", (store) => store.counts());
export const useConnectivity = (): Connectivity =>
  useLive("connectivity", (store) => store.connectivity());
export const useWaiting = (): number => useLive("waiting", (store) => store.pending.waiting());
export const useRow = (id: Id): Row | undefined => useLive(`row:${id}`, (s) => s.rows.get(id));
export const useTyping = (id: Id): "contact" | Id | null =>
  useLive(`typing:${id}`, (store) => store.typing(id));
export const usePending = (id: Id): readonly Pending[] =>
  useLive(`pending:${id}`, (store) => store.pending.of(id));

export const useChannel = (id: Id): Channel | undefined => useDesk().channels.get(id);
export const useAgent = (id: Id | null): Agent | undefined =>
  useLive("desk", (store) => (id === null ? undefined : store.desk()?.agents.get(id)));

export function useConnectorOf(channel: Id): Connector | undefined {
  const { channels, connectors } = useDesk();
  return connectors.get(channels.get(channel)?.connector ?? "");
}

/** Changes with each reset of the log: what was fetched before is fetched again. */
const useGeneration = (): number => useLive("generation", (store) => store.generation());

export function useList(view: View, channel: Id | null): ListState & { ids: readonly Id[] } {
  const { sync } = useServices();
  const generation = useGeneration();
  const state = useLive(`list:${listKey(view, channel)}`, (s) => s.rows.list(view, channel));
  const ids = useLive("order", (store) => store.rows.order(view, channel));
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new generation asks again
  useEffect(() => {
    void sync.loadList(view, channel);
  }, [sync, view, channel, generation]);
  return { ...state, ids };
}

export function useThread(id: Id): Thread {
  const { sync } = useServices();
  const generation = useGeneration();
  const thread = useLive(`thread:${id}`, (store) => store.threads.get(id));
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new generation asks again
  useEffect(() => {
    if (thread.status === "idle") void sync.loadThread(id);
  }, [sync, id, generation, thread.status]);
  return thread;
}
