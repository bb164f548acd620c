import type { ReactNode } from "react";
import styles from "./Avatar.module.css";

/** One or two letters: of a name's first and last word, of an address its first letter, of «Visitor #12» the figure's sign. */
export function initialsOf(label: string): string {
  const words = label.split(/[\s@._-]+/).filter((word) => /\p{L}|\p{N}/u.test(word));
  const letters = label.includes("@") ? words.slice(0, 1) : [words[0], words.at(-1)];
  return [...new Set(letters)]
    .map((word) => [...(word ?? "")].find((sign) => /\p{L}|\p{N}/u.test(sign)) ?? "")
    .join("")
    .toUpperCase();
}

/** Six quiet tints, the same one for the same person. */
const tintOf = (label: string): number => {
  let sum = 0;
  for (const sign of label) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) >>> 0;
  return sum % 6;
};

interface AvatarProps {
  label: string;
  picture?: string | null;
  size?: "s" | "m" | "l";
  isNew?: boolean;
  children?: ReactNode;
}

/** Decoration: the name stands beside it, the initials behind a picture. `children` are marks in its corners. */
export const Avatar = ({ label, picture, size = "m", isNew = false, children }: AvatarProps) => (
  <span className={styles.avatar} data-size={size} data-new={isNew || undefined}>
    <span className={styles.face} data-tint={tintOf(label)} aria-hidden="true">
      {initialsOf(label)}
      {picture && (
        <img
          key={picture}
          src={picture}
          alt=""
          loading="lazy"
          onError={({ currentTarget }) => {
            currentTarget.hidden = true;
          }}
        />
      )}
    </span>
    {children}
  </span>
);

/** A mark in the corner of an avatar: filled where the person takes conversations. */
export const Presence = ({ isOn }: { isOn: boolean }) => (
  <span className={styles.presence} data-on={isOn || undefined} />
);
