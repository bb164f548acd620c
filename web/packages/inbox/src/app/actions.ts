/** What an agent does to a conversation: shown at once, undone by one click, taken back when refused. */

import { useLingui } from "@lingui/react/macro";
import type { Id, Row } from "@omnibox/api";
import { useMemo } from "react";
import { useReason } from "../ui/reasons.ts";
import { toast } from "../ui/toast.tsx";
import { useServices } from "./services.ts";

export interface ConversationActions {
  resolve(row: Row): Promise<void>;
  reopen(row: Row): Promise<void>;
  assign(row: Row, agent: Id | null): Promise<void>;
}

export function useConversationActions(): ConversationActions {
  const { t } = useLingui();
  const { api, sync, store } = useServices();
  const reason = useReason();

  return useMemo(() => {
    const attempt = async (work: Promise<void>): Promise<boolean> => {
      try {
        await work;
        return true;
      } catch (error) {
        toast(reason(error), { isFailure: true });
        return false;
      }
    };

    const setState = (id: Id, state: Row["state"]) =>
      sync.changeRow(id, { state }, () => (state === "open" ? api.reopen(id) : api.resolve(id)));

    const setAssignee = (id: Id, assignee: Id | null) =>
      sync.changeRow(id, { assignee }, () => api.assign(id, assignee));

    return {
      resolve: async ({ id, contact }) => {
        const name = contact.label;
        if (await attempt(setState(id, "resolved")))
          toast(t`Resolved: ${name}`, {
            action: { label: t`Undo`, run: () => void attempt(setState(id, "open")) },
          });
      },
      reopen: async ({ id, contact }) => {
        const name = contact.label;
        if (await attempt(setState(id, "open"))) toast(t`Open again: ${name}`);
      },
      assign: async ({ id, assignee: before }, agent) => {
        const name = agent === null ? null : (store.desk()?.agents.get(agent)?.name ?? "");
        if (await attempt(setAssignee(id, agent)))
          toast(name === null ? t`Nobody is assigned now` : t`Assigned to ${name}`, {
            action: { label: t`Undo`, run: () => void attempt(setAssignee(id, before)) },
          });
      },
    };
  }, [t, api, sync, store, reason]);
}
