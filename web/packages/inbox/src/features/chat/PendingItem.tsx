import { Trans, useLingui } from "@lingui/react/macro";
import { IconClock } from "@tabler/icons-react";
import { useConnectivity } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import type { Pending } from "../../store/pending.ts";
import { RichText } from "../../ui/RichText.tsx";
import { useCodeWords } from "../../ui/reasons.ts";
import trouble from "./Delivery.module.css";
import styles from "./MessageItem.module.css";
import { Choices as Offer } from "./Offered.tsx";

interface PendingItemProps {
  pending: Pending;
  /** Puts the text back into the composer. */
  onEdit: (pending: Pending) => void;
}

function Choices({ pending, onEdit }: PendingItemProps) {
  const { t } = useLingui();
  const { sync, store } = useServices();
  const words = useCodeWords();
  const again = (extra: { anyway?: boolean }) =>
    sync.write({ ...pending, status: "sending", code: null, why: null }, extra);
  const edit = () => {
    store.pending.remove(pending.client_id);
    onEdit(pending);
  };
  const isQuestion = pending.status === "question";
  return (
    <div className={trouble.trouble} data-state={isQuestion ? "uncertain" : "failed"} role="alert">
      <p>
        {isQuestion ? (
          <Trans>There is a newer answer or message since you began. Send it all the same?</Trans>
        ) : (
          <>
            <strong>
              <Trans>Not sent.</Trans>
            </strong>{" "}
            {words(pending.code, pending.why)}
          </>
        )}
      </p>
      <span className={trouble.choices}>
        <button
          type="button"
          className={trouble.choice}
          onClick={() => again(isQuestion ? { anyway: true } : {})}
        >
          {isQuestion ? t`Send anyway` : t`Retry`}
        </button>
        <button type="button" className={trouble.choice} onClick={edit}>
          {t`Edit`}
        </button>
        <button
          type="button"
          className={trouble.choice}
          onClick={() => store.pending.remove(pending.client_id)}
        >
          {t`Discard`}
        </button>
      </span>
    </div>
  );
}

/** A reply or note that the server has not confirmed. */
export function PendingItem({ pending, onEdit }: PendingItemProps) {
  const { link } = useConnectivity();
  const { text, files, kind, status } = pending;
  const count = files.length;
  return (
    <article
      className={styles.message}
      data-kind={kind === "note" ? "note" : "outbound"}
      data-pending={status}
    >
      {text && (
        <div className={styles.bubble}>
          <RichText text={text} />
        </div>
      )}
      {pending.offer && <Offer offer={pending.offer} />}
      {count > 0 && <p className={styles.meta}>{files.map(({ name }) => name).join(", ")}</p>}
      {status === "sending" ? (
        <p className={styles.meta}>
          <IconClock size={14} aria-hidden="true" />
          {link === "lost" ? (
            <Trans>Will be sent when the connection is back</Trans>
          ) : (
            <Trans>Sending</Trans>
          )}
        </p>
      ) : (
        <Choices pending={pending} onEdit={onEdit} />
      )}
    </article>
  );
}
