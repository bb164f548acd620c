import { Trans, useLingui } from "@lingui/react/macro";
import { ApiError, type Delivery, type DeliveryState, type Message } from "@omnibox/api";
import {
  IconAlertCircle,
  IconCheck,
  IconChecks,
  IconClock,
  IconHelpCircle,
} from "@tabler/icons-react";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { useCodeWords, useReason } from "../../ui/reasons.ts";
import { span, useNow } from "../../ui/time.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Delivery.module.css";

export function useStateWords(): (state: DeliveryState) => string {
  const { t } = useLingui();
  return (state) =>
    ({
      queued: t`Waiting to be sent`,
      sending: t`Sending`,
      sent: t`Sent`,
      delivered: t`Delivered`,
      read: t`Read`,
      failed: t`Not sent`,
      uncertain: t`Not known whether it arrived`,
    })[state];
}

const icons = {
  queued: IconClock,
  sending: IconClock,
  sent: IconCheck,
  delivered: IconChecks,
  read: IconChecks,
  failed: IconAlertCircle,
  uncertain: IconHelpCircle,
};

/** How far it came: a shape with its word. */
export function Tick({ state }: { state: DeliveryState }) {
  const words = useStateWords()(state);
  const Shape = icons[state];
  return (
    <span className={styles.tick} data-state={state} title={words}>
      <Shape size={14} stroke={2} aria-hidden="true" />
      <span className={state === "read" ? "" : "visually-hidden"}>{words}</span>
    </span>
  );
}

function NextTry({ at }: { at: string }) {
  const { i18n } = useLingui();
  const left = useNow((now) =>
    Date.parse(at) > now ? span(Date.parse(at) - now, i18n.locale) : "",
  );
  return left ? <Trans>Next try in {left}.</Trans> : <Trans>Trying again now.</Trans>;
}

interface ChoiceProps {
  label: string;
  run: () => Promise<Message | null>;
}

function Choice({ label, run }: ChoiceProps) {
  const { store } = useServices();
  const reason = useReason();
  const [isBusy, setBusy] = useState(false);
  const choose = async () => {
    setBusy(true);
    try {
      const changed = await run();
      if (changed) store.threads.put(changed);
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
    setBusy(false);
  };
  return (
    <button type="button" className={styles.choice} disabled={isBusy} onClick={() => void choose()}>
      {label}
    </button>
  );
}

const isNotKnownYet = (error: unknown) =>
  error instanceof ApiError && ["evidence_early", "evidence_away"].includes(error.code);

/** Sends a part again. Where it may have left, and that cannot be known yet, the agent hears so first and may insist. */
function SendAgain({ label, delivery }: { label: string; delivery: Delivery }) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const [warning, setWarning] = useState("");
  const run = async () => {
    try {
      return await api.retry(delivery.id, warning !== "");
    } catch (error) {
      if (!isNotKnownYet(error)) throw error;
      setWarning(reason(error));
      return null;
    }
  };
  return (
    <>
      <Choice label={warning ? t`Send anyway` : label} run={run} />
      {warning && (
        <span role="status" className={styles.warning}>
          {warning}
        </span>
      )}
    </>
  );
}

/** Whom it did not reach though it reached others, each with the reason. */
function Outcomes({ delivery }: { delivery: Delivery }) {
  const words = useCodeWords();
  return (
    <ul className={styles.outcomes}>
      {delivery.recipients
        .filter(({ state }) => state !== "sent")
        .map(({ address, state, code, why }) => (
          <li key={address}>
            {state === "failed" ? (
              <Trans>
                Not to <bdi>{address}</bdi>:
              </Trans>
            ) : (
              <Trans>
                Not yet to <bdi>{address}</bdi>:
              </Trans>
            )}{" "}
            {words(code, why)}
          </li>
        ))}
    </ul>
  );
}

const hasReached = ({ recipients }: Delivery) => recipients.some(({ state }) => state === "sent");

/** What went wrong with a part, and what an agent can do about it. Never a blind second try. */
export function DeliveryTrouble({ message }: { message: Message }) {
  const { t } = useLingui();
  const { api } = useServices();
  const words = useCodeWords();
  const stuck = message.deliveries.find(({ state }) => state === "failed" || state === "uncertain");
  const delayed = message.deliveries.find(
    ({ state, code, is_delayed }) => is_delayed || (state === "queued" && code),
  );
  if (!stuck && delayed)
    return (
      <div className={styles.trouble} data-state="delayed">
        <p>
          {delayed.is_delayed ? <Trans>Delayed.</Trans> : <Trans>Waiting.</Trans>}{" "}
          {delayed.code && !hasReached(delayed) && words(delayed.code, delayed.why)}{" "}
          {delayed.next_try_at && <NextTry at={delayed.next_try_at} />}
        </p>
        <Outcomes delivery={delayed} />
      </div>
    );
  if (!stuck) return null;
  const total = message.deliveries.length;
  const place = stuck.position + 1;
  const part = total > 1 ? ` ${t`Part ${place} of ${total}.`}` : "";
  if (stuck.state === "failed" && hasReached(stuck))
    return (
      <div className={styles.trouble} data-state="failed">
        <p>
          <strong>
            <Trans>It did not reach everybody.</Trans>
          </strong>
          {part}
        </p>
        <Outcomes delivery={stuck} />
        <span className={styles.choices}>
          <Choice label={t`Try those again`} run={() => api.retry(stuck.id)} />
          <Choice label={t`Leave it at that`} run={() => api.dismiss(stuck.id)} />
        </span>
      </div>
    );
  if (stuck.state === "failed")
    return (
      <div className={styles.trouble} data-state="failed">
        <p>
          <strong>
            <Trans>Not sent.</Trans>
          </strong>
          {part} {words(stuck.code, stuck.why)}
        </p>
        <SendAgain label={t`Retry`} delivery={stuck} />
      </div>
    );
  return (
    <div className={styles.trouble} data-state="uncertain">
      <p>
        <strong>
          <Trans>It may have arrived.</Trans>
        </strong>
        {part} {words(stuck.code, stuck.why)}
      </p>
      <span className={styles.choices}>
        <Choice label={t`Check`} run={() => api.check(stuck.id)} />
        <Choice label={t`Dismiss`} run={() => api.dismiss(stuck.id)} />
        <SendAgain label={t`Send again`} delivery={stuck} />
      </span>
    </div>
  );
}
