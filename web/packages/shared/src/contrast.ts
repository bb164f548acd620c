/** WCAG 2.2 contrast of two sRGB colours given as `#rrggbb`. */

function luminanceOf(color: string): number {
  const number = Number.parseInt(color.slice(1), 16);
  const linear = [16, 8, 0].map((shift) => {
    const channel = ((number >> shift) & 255) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
}

/** Ratio from 1 (the same) to 21 (black on white). */
export function contrastOf(one: string, other: string): number {
  const [low = 0, high = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** `#000000` or `#ffffff`, whichever reads better on `background`; white wins when it reaches 4.5. */
export function readableOn(background: string): "#000000" | "#ffffff" {
  const white = contrastOf(background, "#ffffff");
  return white >= 4.5 || white >= contrastOf(background, "#000000") ? "#ffffff" : "#000000";
}
