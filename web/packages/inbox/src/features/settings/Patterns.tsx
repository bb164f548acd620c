import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Textarea } from "@mantine/core";
import type { Id } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Patterns.module.css";

// Not in the sentence itself: braces mean something else to the catalogue.
const EXAMPLE = "LC-?\\d{8}";
const MOST = "{1,20}";

/** What a channel hides besides card numbers: regular expressions, one a line. Closed until somebody needs it. */
export function Patterns({ channel }: { channel: Id }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.more} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Trans>Also hide on this channel</Trans>
      </summary>
      {isOpen && <Form channel={channel} />}
    </details>
  );
}

function Form({ channel }: { channel: Id }) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const stored = useQuery({
    queryKey: ["patterns", channel],
    queryFn: () => api.patterns(channel),
  });
  const [typed, setTyped] = useState<string | null>(null);
  const [fault, setFault] = useState("");
  const [isBusy, setBusy] = useState(false);
  if (!stored.data) return null;
  const before = stored.data.patterns.join("\n");
  const text = typed ?? before;
  const save = async () => {
    setBusy(true);
    try {
      await api.setPatterns(channel, text.split("\n"));
      await stored.refetch();
      setTyped(null);
      setFault("");
      toast(t`Saved`);
    } catch (error) {
      setFault(reason(error));
    }
    setBusy(false);
  };
  return (
    <div className={styles.form}>
      <Textarea
        label={t`Patterns`}
        description={t`Regular expressions, one a line, such as ${EXAMPLE} for a loyalty card. The digits of what they match are hidden, all but the last four. Without + and *: write how many at most, such as ${MOST}.`}
        autosize
        minRows={3}
        maxRows={10}
        spellCheck={false}
        value={text}
        error={fault || null}
        onChange={(event) => setTyped(event.currentTarget.value)}
        styles={{ input: { fontFamily: "ui-monospace, monospace" } }}
      />
      <Button
        variant="default"
        style={{ justifySelf: "start" }}
        loading={isBusy}
        disabled={text === before}
        onClick={() => void save()}
      >
        <Trans>Save patterns</Trans>
      </Button>
    </div>
  );
}
