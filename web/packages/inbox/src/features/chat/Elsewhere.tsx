import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Id, Row } from "@omnibox/api";
import { useNavigate } from "@tanstack/react-router";
import { keepDraft, readDraft } from "../../app/drafts.ts";
import { useDesk } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Composer.module.css";
import { waysOn } from "./policy.ts";

/** The ways that are left to reach a contact whose own channel is closed; what was written goes along. */
export function Elsewhere({ row, text }: { row: Row; text: string }) {
  const { api, store } = useServices();
  const navigate = useNavigate();
  const reason = useReason();
  const { channels, connectors } = useDesk();
  const ways = waysOn(
    row,
    [...channels.values()],
    ({ connector }) => connectors.get(connector)?.capabilities,
  );
  const goOn = async (channel: Id) => {
    try {
      const there = await api.goOn(row.id, channel);
      store.rows.put(there);
      if (text && !readDraft(there.id).text) keepDraft(there.id, { text, kind: "reply" });
      void navigate({ to: "/c/$id", params: { id: `${there.id}` }, search: (old) => old });
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
  };
  if (ways.length === 0) return null;
  const address = row.contact.email;
  return (
    <span className={styles.ways}>
      {ways.map(({ id, name }) => (
        <Button key={id} size="compact-xs" variant="default" onClick={() => void goOn(id)}>
          <Trans>
            Write to {address} by {name}
          </Trans>
        </Button>
      ))}
    </span>
  );
}
