import { useMemo, useRef, useState } from 'react';
import { searchMatches } from '../../canvas/search.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { IconButton } from '../ui/controls.tsx';
import { CloseIcon, DownIcon, SearchIcon, UpIcon } from '../ui/icons.tsx';
import styles from './SearchBox.module.css';

/** Finds nodes by name, operator or value; Enter and the arrows go through them. */
export function SearchBox({ view }: { readonly view: GraphView }) {
  const search = useLab((lab) => lab.search);
  const searchIndex = useLab((lab) => lab.searchIndex);
  const searchFor = useLab((lab) => lab.searchFor);
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const count = useMemo(() => (search === '' ? 0 : searchMatches(view, search).length), [view, search]);
  const close = () => {
    setOpen(false);
    searchFor('', 0);
  };
  const step = (by: number) => searchFor(search, (searchIndex + by + count) % Math.max(1, count));
  if (!isOpen && search === '') {
    return (
      <div className={styles.search}>
        <IconButton
          label="Search the graph"
          onClick={() => {
            setOpen(true);
            // The field appears with the next render.
            requestAnimationFrame(() => input.current?.focus());
          }}
        >
          <SearchIcon />
        </IconButton>
      </div>
    );
  }
  return (
    <search className={styles.search}>
      <input
        ref={input}
        type="text"
        aria-label="Name, operator or value"
        placeholder="name, operator, value"
        value={search}
        onChange={(event) => searchFor(event.currentTarget.value, 0)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') close();
        }}
      />
      <output className={styles.count}>
        {search === '' ? '' : count === 0 ? 'none' : `${searchIndex + 1} of ${count}`}
      </output>
      {count > 1 && (
        <>
          <IconButton label="Previous match" onClick={() => step(-1)}>
            <UpIcon />
          </IconButton>
          <IconButton label="Next match" onClick={() => step(1)}>
            <DownIcon />
          </IconButton>
        </>
      )}
      <IconButton label="End the search" onClick={close}>
        <CloseIcon />
      </IconButton>
    </search>
  );
}
