// The icons: 16 by 16, drawn with the text's colour.

const PATHS = {
  logo: "M2 3.5h8M5 8h9M3.5 12.5h6",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13",
  moon: "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z",
  auto: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 0v12M8 5l4.9-.1M8 8h6M8 11l4.9.1",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.5M7 6.5h.5M10 6.5h.5M12.5 6.5h0M4 9.5h8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "m3 8.5 3.2 3.2L13 5",
  close: "m4 4 8 8M12 4l-8 8",
  expand: "M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5 9 7M2.5 13.5 7 9",
  shrink: "M13 6.5H9.5V3M3 9.5h3.5V13M9.5 6.5 14 2M6.5 9.5 2 14",
  pause: "M5.5 3v10M10.5 3v10",
  play: "m4.5 3 8 5-8 5z",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3 14 14",
  chevron: "m6 4 4 4-4 4",
  back: "M10 3 5 8l5 5",
  download: "M8 2v8M4.5 6.8 8 10.300l3.5-3.5M2.5 13.5h11",
  upload: "M8 10.5v-8M4.5 5.7 8 2.200l3.5 3.5M2.5 13.5h11",
  external: "M6.5 3h-4v10.5H13v-4M9 2.5h4.5V7M13.5 2.5 7.5 8.5",
  error: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 5v3.800M8 11h0",
  info: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 7.300V11M8 5h0",
  braces: "M6 2.5c-2 0-2 1-2 2.5s0 3-2 3c2 0 2 1.5 2 3s0 2.5 2 2.5M10 2.5c2 0 2 1 2 2.5s0 3 2 3c-2 0-2 1.5-2 3s0 2.5-2 2.5",
  terminal: "M1.5 3h13v10h-13zM4 6l2 2-2 2M8 10h4",
} as const;

type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
