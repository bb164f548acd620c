/** The few marks of the panel, drawn for it; decoration only. */

import { h } from "preact";

const paths = {
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  attach: "M19 11l-7.5 7.5a4.6 4.6 0 01-6.5-6.5l8-8a3 3 0 014.3 4.3l-8 8a1.5 1.5 0 01-2.2-2.2l7-7",
  file: "M14 3H6v18h12V7zM14 3v4h4",
};

export const Icon = ({ name }: { name: keyof typeof paths }) => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
