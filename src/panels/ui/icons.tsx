import type { ReactNode } from 'react';

/** Line icons on a 20 x 20 grid, drawn for this project; decorative, so the control that holds one needs a label. */
function icon(paths: ReactNode) {
  return function Icon() {
    return (
      <svg
        viewBox="0 0 20 20"
        width="20"
        height="20"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.7"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {paths}
      </svg>
    );
  };
}

export const UndoIcon = icon(<path d="M7 4 3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H8" />);
export const RedoIcon = icon(<path d="m13 4 3.5 3.5L13 11m3-3.5H8.500a4.5 4.5 0 0 0 0 9H12" />);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const UpIcon = icon(<path d="m5 12 5-5 5 5" />);
export const DownIcon = icon(<path d="m5 8 5 5 5-5" />);
export const LeftIcon = icon(<path d="m12 5-5 5 5 5" />);
export const RightIcon = icon(<path d="m8 5 5 5-5 5" />);
export const SearchIcon = icon(
  <>
    <circle cx="9" cy="9" r="5" />
    <path d="m13 13 4 4" />
  </>,
);
export const TrashIcon = icon(<path d="M4 6h12M8 6V4h4v2m2.5 0-.7 10.500H6.200L5.5 6" />);
export const MoreIcon = icon(
  <g fill="currentColor" stroke="none">
    <circle cx="4.5" cy="10" r="1.6" />
    <circle cx="10" cy="10" r="1.6" />
    <circle cx="15.5" cy="10" r="1.6" />
  </g>,
);
export const SunIcon = icon(
  <>
    <circle cx="10" cy="10" r="3.2" />
    <path d="M10 2.500v1.600M10 15.900v1.600M2.5 10h1.600M15.9 10h1.600M4.7 4.700l1.1 1.100M14.2 14.200l1.1 1.100M4.7 15.300l1.1-1.100M14.2 5.800l1.1-1.1" />
  </>,
);
export const MoonIcon = icon(<path d="M16.5 11.800A7 7 0 0 1 8.2 3.500a7 7 0 1 0 8.3 8.300Z" />);
export const GraphIcon = icon(
  <>
    <rect x="6" y="2.5" width="8" height="4" rx="1" />
    <rect x="6" y="13.5" width="8" height="4" rx="1" />
    <path d="M10 6.500v7" />
    <path d="M10 10h5.5" />
    <circle cx="16.5" cy="10" r="1" />
  </>,
);
export const RecipeIcon = icon(<path d="M3.5 5h13M3.5 10h13M3.5 15h8" />);
export const RunIcon = icon(<path d="M6 4v12l10-6z" />);
export const PauseIcon = icon(<path d="M7 4.500v11M13 4.500v11" />);
export const FrontIcon = icon(<path d="M3.5 3.500v13h13M6.5 13.500v-3H10V7h3.500V4.500h3" />);
export const DataIcon = icon(
  <>
    <rect x="3" y="4" width="14" height="12" rx="2" />
    <circle cx="7.5" cy="8.5" r="1.3" />
    <path d="m3.5 14.5 4-3.5 3 2.500L14 10l3 3" />
  </>,
);

/** The lab's mark: a front's step line with an exit on it. */
export function Logo() {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" fill="none" aria-hidden="true">
      <path
        d="M4 20v-5h5.500v-5H15V5h5"
        stroke="var(--accent)"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="9.5" cy="10" r="2.9" fill="var(--exit)" />
    </svg>
  );
}
