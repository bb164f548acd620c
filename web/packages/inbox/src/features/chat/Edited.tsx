import { Trans, useLingui } from "@lingui/react/macro";
import { Popover } from "@mantine/core";
import type { Message } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { RichText } from "../../ui/RichText.tsx";
import { clockTime, fullTime } from "../../ui/time.ts";
import styles from "./Edited.module.css";

function Earlier({ message }: { message: Message }) {
  const { i18n } = useLingui();
  const { api } = useServices();
  const { data, isError } = useQuery({
    queryKey: ["editions", message.id, message.edited_at],
    queryFn: () => api.editions(message.id),
  });
  if (isError) return <Trans>It cannot be shown now.</Trans>;
  if (data && data.editions.length === 0) return <Trans>It was not kept.</Trans>;
  return (
    <ol className={styles.editions}>
      {data?.editions.map(({ text, at }) => (
        <li key={at + text}>
          <time dateTime={at} title={fullTime(at, i18n.locale)} className="num muted">
            {clockTime(at, i18n.locale)}
          </time>
          <RichText text={text} />
        </li>
      ))}
    </ol>
  );
}

/** That a message was edited; it opens what it said before. */
export function Edited({ message }: { message: Message }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover opened={isOpen} onChange={setOpen} withinPortal trapFocus={false}>
      <Popover.Target>
        <button type="button" className={styles.edited} onClick={() => setOpen(!isOpen)}>
          <Trans>edited</Trans>
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <p className={styles.title}>
          <Trans>Before</Trans>
        </p>
        {isOpen && <Earlier message={message} />}
      </Popover.Dropdown>
    </Popover>
  );
}
