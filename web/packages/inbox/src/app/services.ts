/** The parts that live as long as the page, and how components reach them. */

import { type Api, createApi, createRequest, type FeedEvent } from "@omnibox/api";
import { createOutbox, type FeedSocket, newClientId, openStorage } from "@omnibox/realtime";
import { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { createStore, type Store } from "../store/store.ts";
import { createSync, type Sync } from "../store/sync.ts";

// After a poll's life a WebSocket is tried again: soon at first, since a server may merely have restarted.
const POLL_LIVES_MS = [20_000, 300_000];
let polls = 0;
const POLL_AFTER = 2; // failures in a row; from then on both ways in turn

export const storage = openStorage(() => localStorage, "omnibox.");

export interface Services {
  api: Api;
  store: Store;
  sync: Sync;
  queries: QueryClient;
}

/** What a page that heard of new events does besides showing them: sound, announcement. */
const arrivals = new Set<(events: readonly FeedEvent[]) => void>();
export const onArrivals = (run: (events: readonly FeedEvent[]) => void): (() => void) => {
  arrivals.add(run);
  return () => arrivals.delete(run);
};

async function connect(failures: number): Promise<FeedSocket> {
  if (failures < POLL_AFTER || failures % 2 === 1) {
    const url = new URL("/ws", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    // Its handlers take an event that the feed has no use for.
    return new WebSocket(url) as unknown as FeedSocket;
  }
  const { createPollSocket } = await import("@omnibox/realtime/poll");
  return createPollSocket({
    eventsUrl: (after, epoch) =>
      `/api/events?${new URLSearchParams({ after: `${after}`, epoch })}&wait=25`,
    framesUrl: "/api/frames",
    headers: () => ({ "X-Omnibox": "1" }),
    fetch: (url, init) => fetch(url, init as RequestInit),
    newAbort: () => new AbortController(),
    timers: window,
    lifeMs: POLL_LIVES_MS[Math.min(polls++, 1)] ?? 0,
  });
}

const outboxOf = (store: Store) => createOutbox(storage, `outbox.${store.desk()?.me.id ?? 0}`);

export function createServices(): Services {
  const store = createStore(window);
  const api = createApi(
    createRequest({
      fetch: (input, init) => fetch(input, init),
      // Before the first snapshot the sign-in page shows anyway.
      onSignedOut: () => store.desk() && store.setConnectivity({ isSignedOut: true }),
    }),
  );
  const queries = new QueryClient({
    defaultOptions: { queries: { staleTime: 30_000, retry: 1, refetchOnWindowFocus: false } },
  });
  const sync = createSync({
    api,
    store,
    timers: window,
    now: () => Date.now(),
    random: Math.random,
    // One per agent: nobody sends what another wrote on the same machine.
    outbox: {
      all: () => outboxOf(store).all(),
      replace: (ops) => outboxOf(store).replace(ops),
    },
    connect,
    onStale: (area) =>
      area === "everything"
        ? void queries.invalidateQueries()
        : void queries.invalidateQueries({ queryKey: area.split(":") }),
    onLive: () =>
      void queries.invalidateQueries({ predicate: ({ state }) => state.status === "error" }),
    onArrived: (events) => {
      for (const run of arrivals) run(events);
    },
  });
  return { api, store, sync, queries };
}

export const newId = (): string => newClientId();

const ServicesContext = createContext<Services | null>(null);
export const ServicesProvider = ServicesContext.Provider;

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("used outside of ServicesProvider");
  return services;
}
