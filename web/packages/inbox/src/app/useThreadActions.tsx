/** Merging, splitting and moving for the palette: of the conversation that is open and its latest message. */

import { useLingui } from "@lingui/react/macro";
import type { Id, Message, Row } from "@omnibox/api";
import { useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { usePick } from "../features/chat/usePick.tsx";
import { useConnectorOf, useRow } from "./live.ts";
import { useRearranging } from "./rearranging.ts";
import { useServices } from "./services.ts";

/** The last that either side said: a note or a line of history is nobody's to move. */
export const latestOf = (messages: readonly Message[]): Id | null =>
  messages.findLast(({ kind }) => kind === "inbound" || kind === "outbound")?.id ?? null;

interface ThreadActions {
  actions: { id: string; label: string; onClick: () => void }[];
  /** Where it shall go, while that is asked. */
  question: ReactNode;
}

export function useThreadActions(): ThreadActions {
  const { t } = useLingui();
  const { store } = useServices();
  const { merge, split, move } = useRearranging();
  const { id } = useParams({ strict: false });
  const row = useRow(Number(id ?? 0));
  const connector = useConnectorOf(row?.channel ?? 0);
  const { ask, dialog } = usePick();
  // As in the menus: only where a conversation is a thing of its own, not the person.
  const isOfItsOwn = connector?.capabilities.threads_by === "refs" && row?.state !== "merged";

  const act = (name: string, label: string, onClick: () => void) => ({ id: name, label, onClick });
  const onLatest = (run: (row: Row, message: Id) => void) => () => {
    const message = row && latestOf(store.threads.get(row.id).messages);
    if (row && message) run(row, message);
  };
  const actions =
    row && isOfItsOwn
      ? [
          act("merge", t`Merge this conversation…`, () =>
            ask({
              row,
              title: t`Merge this conversation`,
              onPick: (into) => void merge(row, into),
            }),
          ),
          act(
            "split",
            t`Split off the latest message`,
            onLatest(({ id }, message) => void split(id, message, false)),
          ),
          act(
            "move",
            t`Move the latest message…`,
            onLatest((row, message) =>
              ask({
                row,
                title: t`Move the latest message`,
                onPick: (into) => void move(row.id, message, into),
              }),
            ),
          ),
        ]
      : [];

  return { actions, question: dialog };
}
