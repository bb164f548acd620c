import type { Connector } from "@omnibox/api";
import type { CSSProperties } from "react";
import styles from "./ChannelIcon.module.css";

const isPath = (text: string): boolean => /^[a-z0-9\s,.+-]+$/i.test(text);

const maskOf = (path: string): string => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="${path}"/></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
};

interface ChannelIconProps {
  connector: Connector | undefined;
  /** In a list a connector may wish to show none; its name is said all the same. */
  inList?: boolean;
  size?: number;
}

/** The source of a message: the connector's own shape in its own colour, named for those who do not see it. */
export function ChannelIcon({ connector, inList = false, size = 14 }: ChannelIconProps) {
  if (!connector) return null;
  const { title, icon, colour, in_list } = connector;
  if (!icon || !isPath(icon) || (inList && !in_list))
    return inList ? <span className="visually-hidden">{title}</span> : null;
  const style = {
    "--icon-light": colour.light,
    "--icon-dark": colour.dark,
    "--icon-mask": maskOf(icon),
    "--icon-size": `${size}px`,
  } as CSSProperties;
  return <span className={styles.icon} role="img" aria-label={title} title={title} style={style} />;
}
