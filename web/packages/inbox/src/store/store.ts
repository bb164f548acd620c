/** One store for all that the server's events change: a snapshot, then events on top, in any mix with pages. */

import type {
  Agent,
  Channel,
  Connector,
  Counts,
  FeedEvent,
  Id,
  May,
  Me,
  Snapshot,
} from "@omnibox/api";
import type { Timers } from "@omnibox/realtime";
import { createPending } from "./pending.ts";
import { createRows } from "./rows.ts";
import { createThreads } from "./threads.ts";
import { createTopics } from "./topics.ts";

/** Changes seldom; a component that reads it repaints at each change. */
export interface Desk {
  me: Me;
  may: May;
  agents: ReadonlyMap<Id, Agent>;
  channels: ReadonlyMap<Id, Channel>;
  connectors: ReadonlyMap<string, Connector>;
  build: string;
  version: string;
  epoch: string;
}

export type Link = "connecting" | "live" | "lost";

export interface Connectivity {
  link: Link;
  /** When the feed was last live; null before the first time. */
  asOf: number | null;
  isSignedOut: boolean;
  /** The server's build differs from this page's. */
  isOutdated: boolean;
  /** Why the server stores nothing now: a word of the contract. */
  trouble: string | null;
}

export interface Limits {
  text: number;
  file_bytes: number;
}

const TYPING_MS = 5_000;
const NO_COUNTS: Counts = { mine: 0, unassigned: 0, all: 0, resolved: 0 };
const byId = <T extends { id: Id }>(list: readonly T[]) =>
  new Map(list.map((one) => [one.id, one]));

export function createStore(timers: Timers) {
  const topics = createTopics();
  let desk: Desk | null = null;
  let counts = NO_COUNTS;
  let limits: Limits = { text: 20_000, file_bytes: 25_000_000 };
  let connectivity: Connectivity = {
    link: "connecting",
    asOf: null,
    isSignedOut: false,
    isOutdated: false,
    trouble: null,
  };
  let generation = 0;
  const typing = new Map<Id, { by: "contact" | Id; timer: number }>();
  const rows = createRows(topics, () => desk?.me.id ?? -1);
  const threads = createThreads(topics);
  const pending = createPending(topics);

  const setDesk = (change: Partial<Desk>): void => {
    if (!desk) return;
    desk = { ...desk, ...change };
    topics.touch("desk", "order");
  };

  const stopTyping = (conversation: Id): void => {
    const old = typing.get(conversation);
    if (!old) return;
    timers.clearTimeout(old.timer);
    typing.delete(conversation);
    topics.touch(`typing:${conversation}`);
  };

  const startTyping = (conversation: Id, by: "contact" | Id): void => {
    stopTyping(conversation);
    const timer = timers.setTimeout(() => stopTyping(conversation), TYPING_MS);
    typing.set(conversation, { by, timer });
    topics.touch(`typing:${conversation}`);
  };

  const load = (snapshot: Snapshot): void =>
    topics.batch(() => {
      const { me, may, build, version, epoch } = snapshot;
      desk = {
        me,
        may,
        build,
        version,
        epoch,
        agents: byId(snapshot.agents),
        channels: byId(snapshot.channels),
        connectors: new Map(snapshot.connectors.map((one) => [one.name, one])),
      };
      counts = snapshot.counts;
      topics.touch("desk", "counts", "order");
    });

  const putAgent = (agent: Agent): void => {
    if (!desk) return;
    const agents = new Map(desk.agents).set(agent.id, agent);
    setDesk(agent.id === desk.me.id ? { agents, me: { ...desk.me, ...agent } } : { agents });
  };

  const putChannel = (id: Id, channel: Channel | null): void => {
    if (!desk) return;
    const channels = new Map(desk.channels);
    if (channel) channels.set(id, { ...channels.get(id), ...channel });
    else channels.delete(id);
    setDesk({ channels });
  };

  const applyOne = (event: FeedEvent): void => {
    switch (event.type) {
      case "message.added":
      case "message.changed":
      case "delivery.changed": {
        const { message, conversation } = event;
        threads.put(message);
        rows.put(conversation);
        if (message.client_id) pending.remove(message.client_id);
        if (message.kind === "inbound") stopTyping(message.conversation);
        break;
      }
      case "conversation.opened":
      case "conversation.changed":
      case "conversation.read":
        rows.put(event.conversation);
        break;
      case "conversation.rearranged":
        rows.put(event.conversation);
        threads.doubt(event.conversation.id);
        break;
      case "contact.changed": {
        const { rev: _, ...contact } = event.contact;
        for (const row of rows.ofContact(contact.id)) rows.amend(row.id, { contact });
        topics.touch(`contact:${contact.id}`);
        break;
      }
      case "agent.changed":
        putAgent(event.agent);
        break;
      case "channel.changed":
        putChannel(event.id, event.channel);
        break;
      default: // a type of a newer server, or one that only the caller follows
    }
  };

  return {
    topics,
    rows,
    threads,
    pending,
    desk: () => desk,
    counts: () => counts,
    limits: () => limits,
    connectivity: () => connectivity,
    generation: () => generation,
    typing: (conversation: Id) => typing.get(conversation)?.by ?? null,
    load,
    startTyping,
    putAgent,
    putChannel,
    apply: (events: readonly FeedEvent[]): void =>
      topics.batch(() => {
        for (const event of events) applyOne(event);
      }),
    /** The log was replaced: pages are fetched again, everything fresh overrules what is known. */
    restart: (snapshot: Snapshot): void =>
      topics.batch(() => {
        rows.distrust();
        threads.distrust();
        load(snapshot);
        generation++;
        topics.touch("generation");
      }),
    setCounts: (next: Counts): void => {
      counts = next;
      topics.touch("counts");
    },
    setLimits: (next: Limits): void => {
      limits = next;
    },
    setConnectivity: (change: Partial<Connectivity>): void => {
      connectivity = { ...connectivity, ...change };
      topics.touch("connectivity");
    },
    setAgentOnline: (id: Id, is_online: boolean): void => {
      const agent = desk?.agents.get(id);
      if (agent && agent.is_online !== is_online) putAgent({ ...agent, is_online });
    },
  };
}

export type Store = ReturnType<typeof createStore>;
