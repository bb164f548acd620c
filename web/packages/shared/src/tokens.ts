/** The colours of both surfaces; `tokens.css` carries the same values, a test compares them. */

export const light = {
  canvas: "#F6F7F9",
  surface: "#FFFFFF",
  subtle: "#F0F2F5",
  selected: "#EAF0FE",
  note: "#FFF6DB",
  line: "#E1E4EA",
  "control-border": "#7A8392",
  text: "#16191F",
  muted: "#565E6C",
  "accent-text": "#2F5BEA",
  "accent-fill": "#2F5BEA",
  "on-accent": "#FFFFFF",
  success: "#156A3F",
  "on-success": "#FFFFFF",
  warning: "#8A5A00",
  danger: "#C4291C",
  "on-danger": "#FFFFFF",
} as const;

export type TokenName = keyof typeof light;
export type Tokens = Readonly<Record<TokenName, string>>;

export const dark: Tokens = {
  canvas: "#0E1116",
  surface: "#161A21",
  subtle: "#1E242D",
  selected: "#1C2B4E",
  note: "#33290F",
  line: "#2A313C",
  "control-border": "#6E7888",
  text: "#E9ECF1",
  muted: "#A3ACB9",
  "accent-text": "#7C9CFF",
  "accent-fill": "#3B63E0",
  "on-accent": "#FFFFFF",
  success: "#4CC38A",
  "on-success": "#0E1116",
  warning: "#F2B84B",
  danger: "#FF7A6E",
  "on-danger": "#0E1116",
};
