// Light, dark, or as the system says: the choice is an attribute of the root element, which the style sheet reads.
import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "console-theme";
const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

const stored = localStorage.getItem(KEY);
export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(KEY, theme.value);
});

export const nextTheme = () => (theme.value = NEXT[theme.value]);
