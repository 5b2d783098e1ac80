import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import type { GroupView } from '../../transforms/prune/channels/group-view.ts';
import panel from '../panel.module.css';
import { Button, IconButton, TextInput } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { CloseIcon, DownIcon, UpIcon } from '../ui/icons.tsx';
import styles from './Channels.module.css';
import { GroupCard } from './GroupCard.tsx';
import { fateText, groupsTouchedBy, keptByReason, searchGroups, widthText } from './group-text.ts';
import { TouchedGroups } from './TouchedGroups.tsx';
import { useSelectedNodes } from './use-selected-nodes.ts';

/** The groups of channels of the open model: one of them lit on the graph, and all of them as a list. */
export function ChannelGroups({ view }: { readonly view: GraphView }) {
  const groups = useLab((lab) => lab.channelGroups);
  const problem = useLab((lab) => lab.channelsProblem);
  const shownId = useLab((lab) => lab.shownGroup);
  const showsKept = useLab((lab) => lab.showsKept);
  const showChannels = useLab((lab) => lab.showChannels);
  const showKept = useLab((lab) => lab.showKeptChannels);
  const closeChannels = useLab((lab) => lab.closeChannels);
  const [listsAll, setListsAll] = useState(false);
  const nodes = useSelectedNodes(view);
  const touched = useMemo(() => groupsTouchedBy(groups ?? [], nodes), [groups, nodes]);

  // A node that is tapped chooses the group that it has most to do with.
  const chosenFor = useRef(shownId === null ? null : nodes);
  useEffect(() => {
    if (chosenFor.current === nodes || groups === null) return;
    chosenFor.current = nodes;
    const [first] = touched;
    if (first !== undefined) showChannels(first.group.id);
  }, [nodes, touched, groups, showChannels]);

  const all = groups ?? [];
  const at = all.findIndex(({ id }) => id === shownId);
  const shown = all[at] ?? null;
  const keptCount = all.filter(({ kept }) => kept !== null).length;
  const step = (by: number) => {
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length];
    if (next !== undefined) showChannels(next.id);
  };
  return (
    <div className={panel.stack}>
      <div className={styles.head}>
        <h2>
          Channel groups{' '}
          <output className={panel.dim}>
            {groups === null ? '' : shown === null ? all.length : `${at + 1} of ${all.length}`}
          </output>
        </h2>
        <div className={styles.tools}>
          <IconButton label="Previous group" disabled={all.length === 0} onClick={() => step(-1)}>
            <UpIcon />
          </IconButton>
          <IconButton label="Next group" disabled={all.length === 0} onClick={() => step(1)}>
            <DownIcon />
          </IconButton>
          <IconButton label="Close the channel groups" onClick={closeChannels}>
            <CloseIcon />
          </IconButton>
        </div>
      </div>
      {problem && <Problem failure={problem} />}
      {groups === null && !problem && <p className={panel.dim}>Finding them …</p>}
      {groups !== null && all.length === 0 && (
        <p>No layer of this model makes channels that could be removed: none has constant float weights.</p>
      )}
      {nodes.length > 0 && groups !== null && <TouchedGroups touched={touched} shownId={shownId} />}
      {shown !== null && groups !== null && <GroupCard group={shown} groups={groups} />}
      {showsKept && <KeptGroups groups={all} onShow={showChannels} />}
      {shown === null && !showsKept && all.length > 0 && (
        <p className={panel.dim}>
          Channels that can only go together. Tap a layer on the graph, or step through them.
        </p>
      )}
      {all.length > 0 && (
        <div className={panel.buttons}>
          <Button look="link" aria-expanded={listsAll} onClick={() => setListsAll(!listsAll)}>
            {listsAll ? 'Hide the list' : `List all ${all.length}`}
          </Button>
          {keptCount > 0 && !showsKept && (
            <Button look="link" onClick={showKept}>
              {keptCount} {keptCount === 1 ? 'stays' : 'stay'} whole: why
            </Button>
          )}
        </div>
      )}
      {listsAll && <GroupList groups={all} shownId={shownId} onShow={showChannels} />}
    </div>
  );
}

/** The groups that cannot be pruned, by their reasons. */
function KeptGroups({
  groups,
  onShow,
}: {
  readonly groups: readonly GroupView[];
  readonly onShow: (id: string) => void;
}) {
  return (
    <section className={styles.card} aria-label="Groups that stay whole">
      {[...keptByReason(groups)].map(([reason, kept]) => (
        <div key={reason}>
          <p className={styles.reason}>{reason}</p>
          <GroupRows groups={kept} shownId={null} onShow={onShow} label={reason} />
        </div>
      ))}
    </section>
  );
}

interface GroupListProps {
  readonly groups: readonly GroupView[];
  readonly shownId: string | null;
  readonly onShow: (id: string) => void;
}

function GroupList({ groups, shownId, onShow }: GroupListProps) {
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search);
  const found = useMemo(() => searchGroups(groups, wanted), [groups, wanted]);
  return (
    <>
      <TextInput
        type="search"
        aria-label="Find a group"
        placeholder="layer, operator or reason"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {found.length === 0 && <p className={panel.dim}>No group has this in its name or its nodes.</p>}
      <GroupRows groups={found} shownId={shownId} onShow={onShow} label="Channel groups" tellsReasons />
    </>
  );
}

function GroupRows({
  groups,
  shownId,
  onShow,
  label,
  tellsReasons = false,
}: GroupListProps & { readonly label: string; readonly tellsReasons?: boolean }) {
  return (
    <ol className={styles.list} aria-label={label}>
      {groups.map((group) => (
        <li key={group.id}>
          <button
            type="button"
            className={styles.row}
            aria-pressed={group.id === shownId}
            onClick={() => onShow(group.id)}
          >
            <span className={styles.name}>{group.id}</span>
            <span className={styles.facts}>
              {[widthText(group), fateText(group)].filter((text) => text !== '').join(' · ')}
            </span>
            {tellsReasons && group.kept && <span className={styles.facts}>{group.kept.message}</span>}
          </button>
        </li>
      ))}
    </ol>
  );
}
