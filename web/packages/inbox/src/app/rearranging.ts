/** Merging, splitting and moving: done by one click, shown where things went, undone by one more. */

import { useLingui } from "@lingui/react/macro";
import type { Id, Rearranged, Row } from "@omnibox/api";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useReason } from "../ui/reasons.ts";
import { toast } from "../ui/toast.tsx";
import { useServices } from "./services.ts";

export interface Rearranging {
  merge(source: Row, into: Id): Promise<void>;
  split(source: Id, message: Id, andLater: boolean): Promise<void>;
  move(source: Id, message: Id, into: Id): Promise<void>;
  /** Afterwards the reader is where they were, or where it went. */
  undo(rearrangement: Id, from: Id): Promise<void>;
  forgetRelated(row: Row): Promise<void>;
  setPerson(row: Row, address: string, mayJoin: boolean): Promise<void>;
}

export function useRearranging(): Rearranging {
  const { t } = useLingui();
  const { api, sync, store } = useServices();
  const navigate = useNavigate();
  const reason = useReason();

  return useMemo(() => {
    const show = (id: Id) =>
      void navigate({ to: "/c/$id", params: { id: `${id}` }, search: (old) => old });

    /** The answer is shown before its event comes, and once more then. */
    const take = ({ source, target }: Rearranged) =>
      store.topics.batch(() => {
        for (const row of [source, target]) {
          store.rows.put(row);
          store.threads.doubt(row.id);
        }
        sync.refreshCounts();
      });

    const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
      try {
        return await work();
      } catch (error) {
        toast(reason(error), { isFailure: true });
        return null;
      }
    };

    const undo = async (rearrangement: Id, backTo: Id): Promise<void> => {
      const undone = await attempt(() => api.undo(rearrangement));
      if (!undone) return;
      take(undone);
      show(backTo);
    };

    const rearrange = async (
      work: () => Promise<Rearranged>,
      words: string,
      goesTo: (done: Rearranged) => Id,
      backTo: Id,
    ): Promise<void> => {
      const done = await attempt(work);
      if (!done) return;
      take(done);
      show(goesTo(done));
      toast(words, { action: { label: t`Undo`, run: () => void undo(done.id, backTo) } });
    };

    return {
      merge: async ({ id, contact }, into) => {
        const name = contact.label;
        await rearrange(
          () => api.merge(id, into),
          t`Merged: ${name}`,
          ({ target }) => target.id,
          id,
        );
      },
      split: (id, message, andLater) =>
        rearrange(
          () => api.split(id, [message], andLater),
          t`Split off into a conversation of its own`,
          ({ target }) => target.id,
          id,
        ),
      move: (id, message, into) =>
        rearrange(
          () => api.move(id, [message], into),
          t`Moved`,
          ({ target }) => target.id,
          id,
        ),
      undo,
      forgetRelated: async ({ id }) => {
        const row = await attempt(() => api.forgetRelated(id));
        if (row) store.rows.put(row);
      },
      setPerson: async ({ id }, address, mayJoin) => {
        const row = await attempt(() => api.setPerson(id, address, mayJoin));
        if (row) store.rows.put(row);
      },
    };
  }, [t, api, sync, store, navigate, reason]);
}
