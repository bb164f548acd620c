/** The addresses of the inbox. Filters are part of the address; the rest of a page's state is not. */

import type { View } from "@omnibox/api";
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { ConversationsPage } from "./ConversationsPage.tsx";
import { Gate } from "./Gate.tsx";
import { NotFound } from "./NotFound.tsx";

interface ListSearch {
  view?: View | undefined;
  channel?: number | undefined;
}

const views: readonly string[] = ["mine", "unassigned", "all", "resolved"];

const root = createRootRoute({ notFoundComponent: NotFound });

const link = createRoute({
  getParentRoute: () => root,
  path: "/link/$token",
  component: lazyRouteComponent(() => import("../features/auth/LinkPage.tsx")),
});

const desk = createRoute({ getParentRoute: () => root, id: "desk", component: Gate });

const conversations = createRoute({
  getParentRoute: () => desk,
  id: "conversations",
  component: ConversationsPage,
  validateSearch: (raw: Record<string, unknown>): ListSearch => {
    const channel = Number(raw.channel);
    return {
      ...(views.includes(String(raw.view)) ? { view: raw.view as View } : {}),
      ...(Number.isInteger(channel) && channel > 0 ? { channel } : {}),
    };
  },
});

const list = createRoute({ getParentRoute: () => conversations, path: "/" });
const conversation = createRoute({
  getParentRoute: () => conversations,
  path: "/c/$id",
  params: {
    parse: ({ id }) => ({ id: String(Number(id)) }),
    stringify: ({ id }) => ({ id }),
  },
});

const settings = createRoute({
  getParentRoute: () => desk,
  path: "/settings",
  component: lazyRouteComponent(() => import("../features/settings/SettingsPage.tsx")),
});
const settingsIndex = createRoute({
  getParentRoute: () => settings,
  path: "/",
  component: lazyRouteComponent(() => import("../features/settings/SettingsIndex.tsx")),
});
const channels = createRoute({
  getParentRoute: () => settings,
  path: "/channels",
  component: lazyRouteComponent(() => import("../features/settings/ChannelsPage.tsx")),
});
const newConnection = createRoute({
  getParentRoute: () => settings,
  path: "/channels/new/$connector",
  component: lazyRouteComponent(() => import("../features/settings/NewConnectionPage.tsx")),
});
const connection = createRoute({
  getParentRoute: () => settings,
  path: "/channels/$connection",
  component: lazyRouteComponent(() => import("../features/settings/ConnectionPage.tsx")),
});
const agents = createRoute({
  getParentRoute: () => settings,
  path: "/agents",
  component: lazyRouteComponent(() => import("../features/agents/AgentsPage.tsx")),
});
const cards = createRoute({
  getParentRoute: () => settings,
  path: "/cards",
  component: lazyRouteComponent(() => import("../features/settings/CardsPage.tsx")),
});
const profile = createRoute({
  getParentRoute: () => settings,
  path: "/profile",
  component: lazyRouteComponent(() => import("../features/settings/ProfilePage.tsx")),
});

export const router = createRouter({
  routeTree: root.addChildren([
    link,
    desk.addChildren([
      conversations.addChildren([list, conversation]),
      settings.addChildren([
        settingsIndex,
        channels,
        newConnection,
        connection,
        agents,
        cards,
        profile,
      ]),
    ]),
  ]),
  basepath: "/inbox",
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
