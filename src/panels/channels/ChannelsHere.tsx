import { useEffect, useMemo } from 'react';
import type { NodeView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { groupsTouchedBy } from './group-text.ts';
import { TouchedGroups } from './TouchedGroups.tsx';

/** The groups of channels that the selected nodes have to do with, for a recipe that removes channels. */
export function ChannelsHere({ nodes }: { readonly nodes: readonly NodeView[] }) {
  const followChannels = useLab((lab) => lab.followChannels);
  const groups = useLab((lab) => lab.channelGroups);
  useEffect(() => followChannels(), [followChannels]);
  const touched = useMemo(() => groupsTouchedBy(groups ?? [], nodes), [groups, nodes]);
  return (
    <div>
      <h3 className={`${panel.dim} ${panel.small}`}>Channel groups</h3>
      {groups === null ? (
        <p className={panel.dim}>Finding them …</p>
      ) : (
        <TouchedGroups touched={touched} shownId={null} />
      )}
    </div>
  );
}
