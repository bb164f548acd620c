/** Mantine in the project's tokens: it brings behaviour, the colours are ours. */

import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
  useMantineColorScheme,
} from "@mantine/core";
import { useEffect } from "react";

/** Every shade of a palette is the token, so that whichever one a component picks is a checked colour. */
const palette = (token: string): MantineColorsTuple => {
  const color = `var(--${token})`;
  return [color, color, color, color, color, color, color, color, color, color];
};

const shades = (...tokens: string[]): MantineColorsTuple =>
  tokens.map((token) => `var(--${token})`) as unknown as MantineColorsTuple;

// The greys that the kit's own styles reach for, light to dark, in either scheme.
const [subtle, line, border, muted] = ["subtle", "line", "control-border", "muted"];
const gray = shades(subtle, subtle, line, line, border, border, muted, muted, "text", "text");
const dark = shades(
  "text",
  "text",
  muted,
  border,
  line,
  subtle,
  subtle,
  "surface",
  "canvas",
  "canvas",
);

// What opens above a page belongs to its main landmark.
const above = { target: "#above" };
const veil = { backgroundOpacity: 0.4 };

export const theme = createTheme({
  primaryColor: "accent",
  colors: {
    accent: palette("accent-fill"),
    success: palette("success"),
    danger: palette("danger"),
    warning: palette("warning"),
    neutral: palette("muted"),
    gray,
    dark,
  },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontSizes: { xs: "12px", sm: "14px", md: "14px", lg: "16px", xl: "20px" },
  radius: { xs: "4px", sm: "6px", md: "8px", lg: "12px", xl: "14px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  focusRing: "never", // one ring for all, in global.css
  components: {
    Button: { defaultProps: { size: "sm" } },
    Tooltip: {
      defaultProps: { openDelay: 300, events: { hover: true, focus: true, touch: false } },
    },
    Switch: { defaultProps: { withThumbIndicator: false } },
    Menu: {
      defaultProps: {
        shadow: "md",
        radius: "md",
        portalProps: above,
        withInitialFocusPlaceholder: false,
      },
    },
    Popover: { defaultProps: { shadow: "md", radius: "md", portalProps: above } },
    Modal: { defaultProps: { radius: "lg", centered: true, overlayProps: veil } },
    Drawer: { defaultProps: { overlayProps: veil } },
  },
});

const light = (token: string) => ({
  filled: `var(--${token})`,
  "filled-hover": `color-mix(in srgb, var(--${token}), var(--text) 12%)`,
  light: `color-mix(in srgb, var(--${token}), transparent 90%)`,
  "light-hover": `color-mix(in srgb, var(--${token}), transparent 84%)`,
  "light-color": `var(--${token})`,
  outline: `var(--${token})`,
  "outline-hover": "var(--subtle)",
  text: `var(--${token})`,
});

const named = (name: string, members: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members).map(([part, value]) => [`--mantine-color-${name}-${part}`, value]),
  );

const variables: Record<string, string> = {
  "--mantine-color-body": "var(--surface)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-bright": "var(--text)",
  "--mantine-color-dimmed": "var(--muted)",
  "--mantine-color-placeholder": "var(--muted)",
  "--mantine-color-anchor": "var(--accent-text)",
  "--mantine-color-error": "var(--danger)",
  "--mantine-color-success": "var(--success)",
  "--mantine-color-default": "var(--surface)",
  "--mantine-color-default-hover": "var(--subtle)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--control-border)",
  "--mantine-color-disabled": "var(--subtle)",
  "--mantine-color-disabled-color": "var(--muted)",
  "--mantine-color-disabled-border": "var(--line)",
  "--mantine-shadow-md": "var(--shadow)",
  "--mantine-shadow-xl": "var(--shadow)",
  "--mantine-primary-color-contrast": "var(--on-accent)",
  ...named("accent", {
    ...light("accent-fill"),
    "light-color": "var(--accent-text)",
    text: "var(--accent-text)",
  }),
  ...named("success", light("success")),
  ...named("danger", light("danger")),
  ...named("warning", light("warning")),
  ...named("neutral", light("muted")),
};

export const variablesOfTheme: CSSVariablesResolver = () => ({
  variables,
  // The same in both: the tokens know the scheme.
  light: variables,
  dark: variables,
});

export const schemeManager = localStorageColorSchemeManager({ key: "omnibox.theme" });

/** The tokens follow the same choice as the kit. */
export function FollowScheme() {
  const { colorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (colorScheme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = colorScheme;
  }, [colorScheme]);
  return null;
}
