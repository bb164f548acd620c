/** Why a message stands where it stands, in words; an unknown word of a newer server is shown as it came. */

import { useLingui } from "@lingui/react/macro";
import type { Message } from "@omnibox/api";
import { useCallback } from "react";

/** What placed a message; null where there is nothing to tell. */
export function useWhy(): (message: Pick<Message, "why" | "moved_from">) => string | null {
  const { t } = useLingui();
  return useCallback(
    ({ why, moved_from }) => {
      const words: Record<string, string> = {
        reply_address: t`Here because it was sent to this conversation's reply address`,
        in_reply_to: t`Here because it answers a message of this conversation`,
        references: t`Here because it names a message of this conversation`,
        marker: t`Here because it quotes a message of this conversation`,
        outside: t`Answered in another program`,
        late: t`Found afterwards: the platform did not tell when it was said`,
        stranger: t`A conversation of its own: its sender does not belong to the one it names`,
        unverified: t`A conversation of its own: its sender is not certain`,
        report: t`Here because it reports on a message of this conversation`,
        agent:
          moved_from === null
            ? t`Put here by an agent`
            : t`Put here by an agent, from conversation ${moved_from}`,
      };
      if (why === null || why === "new") return null;
      return words[why] ?? why.replaceAll("_", " ");
    },
    [t],
  );
}

/** A line of history: what was rearranged, and with which conversation. */
export function useLineWords(): (message: Message, who: string) => string {
  const { t } = useLingui();
  return useCallback(
    ({ why, related, text }, who) => {
      const words: Record<string, string> = {
        merged: t`${who} merged conversation ${related} into this one`,
        split_off: t`${who} split messages off into conversation ${related}`,
        split_from: t`${who} split these messages off from conversation ${related}`,
        moved_away: t`${who} moved messages to conversation ${related}`,
        moved_here: t`${who} moved messages here from conversation ${related}`,
        went_on: t`${who} went on with this customer in conversation ${related}`,
        came_from: t`${who} went on here from conversation ${related}`,
      };
      return (related !== null && why !== null && words[why]) || text;
    },
    [t],
  );
}

/** The number by which what a line tells can be undone; null for other lines. */
export function rearrangementOf({
  why,
  client_id,
}: Pick<Message, "why" | "client_id">): number | null {
  const [word, number] = client_id?.split(":") ?? [];
  return why !== null && word === why && number ? Number(number) : null;
}
