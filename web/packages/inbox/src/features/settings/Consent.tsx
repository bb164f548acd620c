import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import type { Connection, Consent as ConsentState, DeviceCode, Id } from "@omnibox/api";
import { IconCheck, IconClock } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useServices } from "../../app/services.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";
import { Choices } from "./Choices.tsx";
import styles from "./Consent.module.css";

interface AskProps {
  connection: Id;
  isAgain: boolean;
  isMain?: boolean;
}

/** Leads this very tab to the provider's page, which sends it back here. */
export function AskForConsent({ connection, isAgain, isMain = false }: AskProps) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const ask = useMutation({
    mutationFn: () => api.askConsent(connection),
    onSuccess: ({ url }) => location.assign(url),
    onError: (error) => toast(reason(error), { isFailure: true }),
  });
  return (
    <Button
      variant={isMain ? "filled" : "default"}
      loading={ask.isPending}
      onClick={() => ask.mutate()}
    >
      {isAgain ? t`Ask for consent again` : t`Ask for consent`}
    </Button>
  );
}

interface WaitProps {
  connection: Id;
  code: DeviceCode;
  onEnd: (isGiven: boolean) => void;
}

/** A code to type elsewhere, and the wait for what comes of it. */
function TypeElsewhere({ connection, code, onEnd }: WaitProps) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    const again = () => {
      timer = window.setTimeout(look, code.interval_s * 1_000);
    };
    const look = async () => {
      try {
        const { is_given } = await api.consentAnswer(connection);
        if (isOver) return;
        if (is_given) onEnd(true);
        else again();
      } catch (error) {
        if (isOver) return;
        toast(reason(error), { isFailure: true });
        onEnd(false);
      }
    };
    again();
    return () => {
      isOver = true;
      window.clearTimeout(timer);
    };
  }, [api, code, connection, onEnd, reason]);
  return (
    <div className={styles.code} role="status">
      <p>
        <Trans>
          Open{" "}
          <a href={code.url} target="_blank" rel="noreferrer">
            {code.url}
          </a>{" "}
          on any device, sign in as the account's owner, and type this code:
        </Trans>
      </p>
      <Copy label={t`Code`} value={code.user_code} />
      <p className="muted">
        <Trans>Waiting for the answer…</Trans>
      </p>
    </div>
  );
}

function State({ consent, isNeeded }: { consent: ConsentState; isNeeded: boolean }) {
  const isGood = consent.is_given && !isNeeded;
  return (
    <p className={styles.state} data-good={isGood || undefined}>
      {isGood ? (
        <IconCheck size={16} stroke={2.5} aria-hidden="true" />
      ) : (
        <IconClock size={16} stroke={2.5} aria-hidden="true" />
      )}
      {isGood ? (
        <Trans>The account's owner has consented.</Trans>
      ) : consent.is_given ? (
        <Trans>The consent is no longer good.</Trans>
      ) : (
        <Trans>The account's owner has not consented yet.</Trans>
      )}
    </p>
  );
}

interface ConsentProps {
  connection: Connection;
  consent: ConsentState;
  reload: () => Promise<unknown>;
  /** Just back from the provider: what it opened is to be chosen from. */
  isChoosing?: boolean;
}

/** Letting omnibox into the account, where a password is not enough. */
export function Consent({ connection, consent, reload, isChoosing = false }: ConsentProps) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const [code, setCode] = useState<DeviceCode | null>(null);
  const byCode = useMutation({
    mutationFn: () => api.askByCode(connection.id),
    onSuccess: setCode,
    onError: (error) => toast(reason(error), { isFailure: true }),
  });
  const isNeeded = consent.is_needed;
  const [end] = useState(() => (isGiven: boolean) => {
    setCode(null);
    if (isGiven) toast(t`Consent was given`);
    void reload();
  });
  return (
    <Panel title={t`Consent`}>
      <Copy
        label={t`Redirect address`}
        help={t`Enter it at the provider, where you register omnibox as an application.`}
        value={consent.redirect_url}
      />
      {consent.missing === null ? (
        <>
          <State consent={consent} isNeeded={isNeeded} />
          <div className={styles.ways}>
            <AskForConsent
              connection={connection.id}
              isAgain={consent.is_given}
              isMain={!consent.is_given || isNeeded}
            />
            {consent.has_device && (
              <Button variant="subtle" loading={byCode.isPending} onClick={() => byCode.mutate()}>
                <Trans>Use a code on another device</Trans>
              </Button>
            )}
          </div>
          {consent.has_choices && consent.is_given && (
            <Choices connection={connection.id} isOpen={isChoosing} onTaken={reload} />
          )}
          {code && <TypeElsewhere connection={connection.id} code={code} onEnd={end} />}
        </>
      ) : (
        <p className="muted">
          <Trans>Fill in what the form below still asks for, and save; then you can ask.</Trans>
        </p>
      )}
    </Panel>
  );
}

/** Says once how it went, when the browser comes back from the provider, and tells it. */
export function useConsentOutcome(): string | null {
  const { t } = useLingui();
  const [found] = useState(() => new URL(location.href).searchParams.get("consent"));
  useEffect(() => {
    const here = new URL(location.href);
    const outcome = here.searchParams.get("consent");
    if (outcome === null) return;
    here.searchParams.delete("consent");
    history.replaceState(history.state, "", here);
    const words: Record<string, string> = {
      given: t`Consent was given`,
      choose: t`Consent was given`,
      declined: t`Consent was not given.`,
      unknown: t`This answer was not asked for here, or came too late. Ask for consent again.`,
      signed_out: t`You were signed out meanwhile. Ask for consent again.`,
      not_lasting: t`The provider gave no lasting consent: allow refresh tokens (offline access) there.`,
      consent_client_refused: t`The provider does not know omnibox as it is set up here.`,
      consent_unavailable: t`The provider does not answer as it should. Try again in a while.`,
    };
    toast(words[outcome] ?? t`Consent was not given.`, {
      isFailure: outcome !== "given" && outcome !== "choose",
    });
  }, [t]);
  return found;
}
