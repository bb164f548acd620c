import { Trans, useLingui } from "@lingui/react/macro";
import type { Channel, Id } from "@omnibox/api";
import { IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useChannel, useConnectorOf, useDesk } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import styles from "./Signature.module.css";
import { addsSignature, inShort, signatureBelow } from "./signature.ts";

/** The words below a reply, as far as they are known: only who may change a channel's settings reads them. */
function useWordsBelow({ id, connection }: Channel): { text: string; isWhole: boolean } {
  const { api } = useServices();
  const { me, may } = useDesk();
  const { data } = useQuery({
    queryKey: ["channels", `${connection}`],
    queryFn: () => api.connection(connection),
    enabled: may.settings,
  });
  const settings = data?.channels.find((one) => one.id === id)?.settings;
  return { text: signatureBelow(settings ?? {}, me), isWhole: Boolean(settings) };
}

function Words({ channel }: { channel: Channel }) {
  const { t } = useLingui();
  const [isOpen, setOpen] = useState(false);
  const { text, isWhole } = useWordsBelow(channel);
  if (!text) return null;
  return (
    <details className={styles.signature} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <IconChevronRight size={14} stroke={1.75} aria-hidden="true" className={styles.mark} />
        <Trans>Signature</Trans>
        {!isOpen && <span className="clip">{inShort(text)}</span>}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled by keyboard */}
      <section className={styles.words} aria-label={t`Signature`} tabIndex={0}>
        {text}
      </section>
      {isOpen && (
        <p>
          {!isWhole && <Trans>The channel may add words of its own.</Trans>}{" "}
          <Link to="/settings/profile">
            <Trans>Your profile</Trans>
          </Link>
        </p>
      )}
    </details>
  );
}

/** What the channel puts below the reply by itself, folded; nothing where it puts nothing. */
export function Signature({ channel: id }: { channel: Id }) {
  const channel = useChannel(id);
  const connector = useConnectorOf(id);
  return channel && addsSignature(connector) ? <Words channel={channel} /> : null;
}
