export const mask = (text: string): string => text;
