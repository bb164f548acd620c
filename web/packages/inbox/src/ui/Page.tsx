import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Page.module.css";

interface PageProps {
  title: ReactNode;
  text?: ReactNode;
  actions?: ReactNode;
  isWide?: boolean;
  children: ReactNode;
}

/** A settings page: its heading takes the focus when the page opens. */
export function Page({ title, text, actions, isWide = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className={styles.page} data-wide={isWide || undefined}>
      <header className={styles.header}>
        <div className={styles.words}>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {text && <p className="muted">{text}</p>}
        </div>
        {actions}
      </header>
      {children}
    </div>
  );
}

export const Panel = ({ title, children }: { title: ReactNode; children: ReactNode }) => (
  <section className={styles.panel}>
    <h2>{title}</h2>
    {children}
  </section>
);
