import { useCallback } from "react";
import { useReason } from "../ui/reasons.ts";
import { toast } from "../ui/toast.tsx";
import { useServices } from "./services.ts";

/** Switches the own status; shown at once, taken back when refused. */
export function useOnline(): (is_on: boolean) => Promise<void> {
  const { api, store } = useServices();
  const reason = useReason();
  return useCallback(
    async (is_on) => {
      const before = store.desk()?.me;
      if (!before) return;
      store.putAgent({ ...before, is_on });
      try {
        store.putAgent(await api.changeMe({ is_on }));
      } catch (error) {
        store.putAgent(before);
        toast(reason(error), { isFailure: true });
      }
    },
    [api, store, reason],
  );
}
