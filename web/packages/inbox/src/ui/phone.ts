import { useMediaQuery } from "@mantine/hooks";

const now = { getInitialValueInEffect: false };

/** One pane at a time. */
export const useIsPhone = (): boolean => useMediaQuery("(max-width: 767.98px)", false, now);

/** The contact card has a column of its own. */
export const useIsWide = (): boolean => useMediaQuery("(min-width: 1280px)", true, now);
