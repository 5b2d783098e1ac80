import type { Failure } from '../base/result.ts';
import type { Slice } from './slice.ts';

/** Something the user is told; stays until dismissed, unless it is good news. */
export interface Notice {
  readonly id: number;
  readonly tone: 'problem' | 'news';
  readonly title: string;
  readonly failure: Failure;
}

/** More than these on screen hide the app; the oldest go. */
const maxNotices = 4;

export interface NoticeSlice {
  readonly notices: readonly Notice[];
  /** Tells of a failure: `title` says what did not work, the failure why, where and what to do. */
  readonly reportFailure: (title: string, failure: Failure) => void;
  readonly tell: (title: string, message?: string) => void;
  readonly dismissNotice: (id: number) => void;
}

export const createNoticeSlice: Slice<NoticeSlice> = (set) => {
  let nextId = 1;
  const add = (tone: Notice['tone'], title: string, failure: Failure) =>
    set(({ notices }) => {
      const rest = notices.filter((n) => n.title !== title || n.failure.message !== failure.message);
      return { notices: [...rest, { id: nextId++, tone, title, failure }].slice(-maxNotices) };
    });
  return {
    notices: [],
    reportFailure: (title, failure) => add('problem', title, failure),
    tell: (title, message = '') => add('news', title, { code: 'news', message }),
    dismissNotice: (id) => set(({ notices }) => ({ notices: notices.filter((n) => n.id !== id) })),
  };
};
