/** Merging, splitting and moving for the palette: of the conversation that is open and its latest message. */

import { useLingui } from "@lingui/react/macro";
import type { Id, Message, Row } from "@omnibox/api";
import { useParams } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useConnectorOf, useRow } from "./live.ts";
import { useRearranging } from "./rearranging.ts";
import { useServices } from "./services.ts";

const PickConversation = lazy(() =>
  import("../features/chat/PickConversation.tsx").then((chunk) => ({
    default: chunk.PickConversation,
  })),
);

/** The last that either side said: a note or a line of history is nobody's to move. */
export const latestOf = (messages: readonly Message[]): Id | null =>
  messages.findLast(({ kind }) => kind === "inbound" || kind === "outbound")?.id ?? null;

interface Wish {
  row: Row;
  /** Null: the whole conversation. */
  message: Id | null;
}

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
  const [wish, setWish] = useState<Wish | null>(null);
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
          act("merge", t`Merge this conversation…`, () => setWish({ row, message: null })),
          act(
            "split",
            t`Split off the latest message`,
            onLatest(({ id }, message) => void split(id, message, false)),
          ),
          act(
            "move",
            t`Move the latest message…`,
            onLatest((row, message) => setWish({ row, message })),
          ),
        ]
      : [];

  const question = wish && (
    <Suspense>
      <PickConversation
        row={wish.row}
        title={wish.message === null ? t`Merge this conversation` : t`Move the latest message`}
        onClose={() => setWish(null)}
        onPick={(into) => {
          setWish(null);
          if (wish.message === null) void merge(wish.row, into);
          else void move(wish.row.id, wish.message, into);
        }}
      />
    </Suspense>
  );
  return { actions, question };
}
