import { Trans, useLingui } from "@lingui/react/macro";
import { Menu } from "@mantine/core";
import type { Row } from "@omnibox/api";
import { IconCheck, IconUsers } from "@tabler/icons-react";
import { useRearranging } from "../../app/rearranging.ts";
import styles from "./People.module.css";

const SHOWN = 3;

/** Who else is in the conversation, and whether what they write joins it. Nothing goes to them by this. */
export function People({ row }: { row: Row }) {
  const { t } = useLingui();
  const { setPerson } = useRearranging();
  const { people } = row;
  if (people.length === 0) return null;
  const names = people.slice(0, SHOWN).map(({ name, address }) => name ?? address);
  const rest = people.length - names.length;
  const said = names.join(", ");
  return (
    <Menu position="bottom-start" width={320} closeOnItemClick={false}>
      <Menu.Target>
        <button type="button" className={styles.people}>
          <IconUsers size={13} aria-hidden="true" />
          <span className="clip">
            {rest > 0 ? (
              <Trans>
                With {said} and {rest} more
              </Trans>
            ) : (
              <Trans>With {said}</Trans>
            )}
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Trans>May write in this conversation</Trans>
        </Menu.Label>
        {people.map(({ address, name, is_confirmed }) => (
          <Menu.Item
            key={address}
            role="menuitemcheckbox"
            aria-checked={is_confirmed}
            leftSection={
              <span className={styles.check}>
                {is_confirmed && <IconCheck size={16} aria-hidden="true" />}
              </span>
            }
            onClick={() => void setPerson(row, address, !is_confirmed)}
          >
            <span className={styles.person}>
              <bdi className="clip">{name ?? address}</bdi>
              <span className={`clip ${styles.fact}`}>
                {name ? `${address} · ` : ""}
                {is_confirmed ? t`what they write joins` : t`was in copy`}
              </span>
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
