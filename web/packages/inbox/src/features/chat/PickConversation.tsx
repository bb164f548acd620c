import { Trans, useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import type { Id, Row } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDesk } from "../../app/live.ts";
import { hideCards } from "../../app/masking.ts";
import { useServices } from "../../app/services.ts";
import { Ago } from "../../ui/Ago.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Patient } from "../../ui/States.tsx";
import styles from "./PickConversation.module.css";

const FEW = 8;

interface PickConversationProps {
  row: Row;
  title: string;
  onPick: (id: Id) => void;
  onClose: () => void;
}

/** The related one and the contact's others first; by words or by number any other. */
function useCandidates(row: Row, words: string) {
  const { api } = useServices();
  const { channels, connectors } = useDesk();
  const q = hideCards(words.trim());
  return useQuery({
    queryKey: ["pick", row.id, q],
    queryFn: async (): Promise<Row[]> => {
      const asked = /^#?(\d+)$/.exec(q)?.[1];
      const own = q === "" ? (await api.contact(row.contact.id)).conversations : [];
      const related = q === "" && row.related !== null ? [await api.conversation(row.related)] : [];
      const byNumber = asked ? await api.conversation(Number(asked)).then(Array.of, () => []) : [];
      const hits = q === "" ? [] : (await api.search(q)).hits.map((hit) => hit.conversation);
      const all = new Map([...related, ...byNumber, ...own, ...hits].map((one) => [one.id, one]));
      return [...all.values()]
        .filter(({ id, state, channel }) => {
          const connector = connectors.get(channels.get(channel)?.connector ?? "");
          const isOfItsOwn = connector?.capabilities.threads_by === "refs";
          return id !== row.id && state !== "merged" && isOfItsOwn;
        })
        .slice(0, FEW);
    },
    staleTime: 0,
  });
}

export function PickConversation({ row, title, onPick, onClose }: PickConversationProps) {
  const { t } = useLingui();
  const [words, setWords] = useState("");
  const { data, isPending } = useCandidates(row, words);
  return (
    <Dialog isOpen title={title} onClose={onClose}>
      <TextInput
        data-autofocus
        value={words}
        label={t`Which conversation?`}
        placeholder={t`Name, words or number`}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      <div className={styles.list} aria-busy={isPending}>
        {isPending && (
          <Patient>
            <p className="muted">
              <Trans>Looking…</Trans>
            </p>
          </Patient>
        )}
        {data?.map((one) => (
          <button
            key={one.id}
            type="button"
            className={styles.choice}
            onClick={() => onPick(one.id)}
          >
            <Avatar label={one.contact.label} picture={one.contact.picture} size="s" />
            <span className={styles.words}>
              <span className={styles.name}>
                <bdi className="clip">{one.contact.label}</bdi>
                <span className="muted">#{one.id}</span>
              </span>
              <span className={`clip ${styles.last}`}>{one.subject ?? one.last?.text ?? ""}</span>
            </span>
            <Ago time={one.last_at} />
          </button>
        ))}
        {data?.length === 0 && (
          <p className="muted">
            {words ? <Trans>Nothing found</Trans> : <Trans>Search for the conversation</Trans>}
          </p>
        )}
      </div>
    </Dialog>
  );
}
