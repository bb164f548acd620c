import { Trans, useLingui } from "@lingui/react/macro";
import type { Connector } from "@omnibox/api";
import { RichText } from "../../ui/RichText.tsx";
import styles from "./Steps.module.css";

/** What to do on the other side, in the connector's own words. */
export function Steps({ connector, hookUrl }: { connector: Connector; hookUrl?: string | null }) {
  const { t } = useLingui();
  const fill = (text: string) => (hookUrl ? text.replaceAll("{hook_url}", hookUrl) : text);
  if (connector.steps.length === 0) return null;
  return (
    <aside className={styles.steps} aria-label={t`Steps`}>
      <h2>
        <Trans>Steps</Trans>
      </h2>
      <ol>
        {connector.steps.map(({ title, text }, index) => (
          <li key={title} className={styles.step}>
            <span className={`num ${styles.number}`} aria-hidden="true">
              {index + 1}
            </span>
            <div>
              <h3>{title}</h3>
              <p className={styles.text}>
                <RichText text={fill(text)} />
              </p>
            </div>
          </li>
        ))}
      </ol>
    </aside>
  );
}
