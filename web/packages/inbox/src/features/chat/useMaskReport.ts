import { useLingui } from "@lingui/react/macro";
import type { Id } from "@omnibox/api";
import { useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";

/** Tells the admins that something hidden was no card number. The number itself is gone and is not asked for. */
export function useMaskReport() {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  return async (message: Id, spot: number) => {
    try {
      await api.reportMask(message, spot);
      toast(t`Thank you: the admins see its shape, never the number.`);
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
  };
}
