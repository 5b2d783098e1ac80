import { useLab } from '../../store/lab.ts';
import { type Link, LINK_NAMES, LINK_PRESETS, TIERS, type TierSpec } from '../../study/placement/tiers.ts';
import type { TierProfile } from '../../study/placement/tier-profile.ts';
import type { LinkName } from '../../study/placement/tiers.ts';
import type { Tier } from '../../transforms/variant.ts';
import panel from '../panel.module.css';
import { Button, FileButton, NumberField, SelectField } from '../ui/controls.tsx';
import styles from './PlacementPanel.module.css';

const megabyte = 1e6;

/** The tiers' speeds and memories, the links between them, and what is sent to a remote first tier. */
export function TierFields() {
  const sends = useLab((lab) => lab.sends);
  const changeSends = useLab((lab) => lab.changeSends);
  return (
    <details className={styles.details}>
      <summary>Tiers and links</summary>
      <div className={panel.stack}>
        {TIERS.map((tier) => (
          <TierField key={tier} tier={tier} />
        ))}
        {LINK_NAMES.map((link) => (
          <LinkField key={link} name={link} />
        ))}
        <SelectField
          title="A remote tier gets"
          value={sends}
          options={[
            { value: 'encoded-image', label: 'the image file' },
            { value: 'input-tensor', label: 'the input tensor' },
          ]}
          onChange={changeSends}
        />
      </div>
    </details>
  );
}

function TierField({ tier }: { readonly tier: Tier }) {
  const setup = useLab((lab) => lab.tierSetup);
  const changeSetup = useLab((lab) => lab.changeTierSetup);
  const importTier = useLab((lab) => lab.importTier);
  const forgetTier = useLab((lab) => lab.forgetTier);
  const profile = useLab((lab) => lab.tierProfiles[tier]);
  const modelId = useLab((lab) => lab.model?.view.modelId);
  const { speedFactor, memoryLimitBytes } = setup.tiers[tier];
  const change = (next: Partial<TierSpec>) =>
    changeSetup({ ...setup, tiers: { ...setup.tiers, [tier]: { ...setup.tiers[tier], ...next } } });
  return (
    <fieldset className={styles.group}>
      <legend>{tier}</legend>
      {profile && (
        <p className={panel.small}>
          <strong>{profile.device}</strong>, from {profile.studyName}:{' '}
          {profile.modelId === modelId
            ? sourcesText(profile)
            : `about ${profile.modelName}, so it does not count for the open model`}
        </p>
      )}
      <NumberField
        title={profile ? 'else times as fast as this device' : 'times as fast as this device'}
        value={speedFactor}
        min={0.01}
        max={10_000}
        step="any"
        onChange={(value) => change({ speedFactor: value })}
      />
      <NumberField
        title="memory in MB, 0 for no limit"
        value={(memoryLimitBytes ?? 0) / megabyte}
        min={0}
        step="any"
        onChange={(value) => change({ memoryLimitBytes: value === 0 ? null : value * megabyte })}
      />
      <div className={panel.buttons}>
        <FileButton
          look="link"
          accept=".json,application/json"
          onFiles={async ([file]) => file && importTier(tier, await file.text())}
        >
          {profile ? 'Another study.json' : "Measured there: that device's study.json"}
        </FileButton>
        {profile && (
          <Button look="link" onClick={() => forgetTier(tier)}>
            Back to the speed factor
          </Button>
        )}
      </div>
    </fieldset>
  );
}

/** Where each time of a tier comes from. */
function sourcesText({ recipes, nodes }: TierProfile): string {
  const ran =
    recipes.length === 1 ? 'one recipe as it ran there' : `${recipes.length} recipes as they ran there`;
  return nodes.length > 0
    ? `${ran}; others by what its nodes took there`
    : `${ran}; others by the speed factor`;
}

function LinkField({ name }: { readonly name: LinkName }) {
  const setup = useLab((lab) => lab.tierSetup);
  const changeSetup = useLab((lab) => lab.changeTierSetup);
  const link = setup.links[name];
  const change = (next: Partial<Link>) =>
    changeSetup({ ...setup, links: { ...setup.links, [name]: { ...link, ...next } } });
  const preset = LINK_PRESETS.findIndex(
    ({ bandwidthMbps, rttMs, jitterMs }) =>
      bandwidthMbps === link.bandwidthMbps && rttMs === link.rttMs && jitterMs === link.jitterMs,
  );
  return (
    <fieldset className={styles.group}>
      <legend>{name.replace('-', ' – ')}</legend>
      <SelectField
        title="link"
        value={String(preset)}
        options={[
          ...LINK_PRESETS.map(({ label }, index) => ({ value: String(index), label })),
          { value: '-1', label: 'custom', disabled: preset >= 0 },
        ]}
        onChange={(value) => {
          const chosen = LINK_PRESETS[Number(value)];
          if (!chosen) return;
          const { label: _label, ...numbers } = chosen;
          change(numbers);
        }}
      />
      <NumberField
        title="Mbit/s"
        value={link.bandwidthMbps}
        min={0.001}
        step="any"
        onChange={(bandwidthMbps) => change({ bandwidthMbps })}
      />
      <NumberField
        title="round trip, ms"
        value={link.rttMs}
        min={0}
        step="any"
        onChange={(rttMs) => change({ rttMs })}
      />
      <NumberField
        title="jitter, ± ms"
        value={link.jitterMs}
        min={0}
        step="any"
        onChange={(jitterMs) => change({ jitterMs })}
      />
    </fieldset>
  );
}
