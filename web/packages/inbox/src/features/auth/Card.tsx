import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Card.module.css";

interface CardProps {
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

/** The page of somebody who is not signed in yet. */
export function Card({ title, text, children }: CardProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Omnibox`;
  }, [title]);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <p className={styles.brand} aria-hidden="true">
          <svg viewBox="0 0 24 24" width="28" height="28" role="presentation">
            <path
              fill="currentColor"
              d="M4 3h16a3 3 0 0 1 3 3v9a3 3 0 0 1-3 3h-7l-5 4v-4H4a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3Zm3.500 6.500h9a1 1 0 0 0 0-2h-9a1 1 0 0 0 0 2Zm0 4h5.500a1 1 0 0 0 0-2H7.500a1 1 0 0 0 0 2Z"
            />
          </svg>
          Omnibox
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {text && <p className="muted">{text}</p>}
        {children}
      </div>
    </main>
  );
}
