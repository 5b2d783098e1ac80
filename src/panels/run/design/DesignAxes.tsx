import { useEffect, useState } from 'react';
import { attempt } from '../../../base/result.ts';
import { openSizes } from '../../../onnx/counted-size.ts';
import { listModels } from '../../../persist/models.ts';
import type { StoredModel } from '../../../persist/database.ts';
import { addDesignModel, removeDesignModel } from '../../../store/design-work.ts';
import { useLab } from '../../../store/lab.ts';
import { openFiles, pickedFiles } from '../../../store/open-files.ts';
import { modelTitle, sizeText, type StudyDesign, withAxis } from '../../../study/design/design.ts';
import { PLACEMENT_NAMES } from '../../../study/placement/tiers.ts';
import type { InputSize, Provider, StudiedModel } from '../../../study/trial.ts';
import { ZOO } from '../../model/zoo.ts';
import panel from '../../panel.module.css';
import { Chip, FileButton, Select, TextInput } from '../../ui/controls.tsx';
import styles from './Design.module.css';

/** The axes of a plan: what each of them takes. At least one of each stays. */
export function DesignAxes({ design }: { readonly design: StudyDesign }) {
  const change = useLab((lab) => lab.changeDesign);
  const environment = useLab((lab) => lab.environment);
  const sends = useLab((lab) => lab.sends);
  const setup = useLab((lab) => lab.tierSetup);
  if (!environment) return null;
  const here: readonly Provider[] = [
    'wasm',
    ...(environment.webgpu.available ? (['webgpu'] as const) : []),
    ...(environment.webnn.available ? (['webnn'] as const) : []),
  ];
  const most = environment.wasm.threads ? Math.min(16, Math.max(1, environment.hardwareConcurrency)) : 1;
  const counts = Array.from({ length: most }, (_, index) => index + 1);
  const placed = new Map(design.placements.map((placement) => [placement?.name ?? null, placement]));
  return (
    <div className={styles.axes}>
      <Models design={design} />
      <Axis
        title="Placements"
        all={[null, ...PLACEMENT_NAMES]}
        chosen={[...placed.keys()]}
        name={(placement) => placement ?? 'this device'}
        onChange={(names) =>
          change(
            withAxis(
              design,
              'placements',
              names.map((name) => (name === null ? null : (placed.get(name) ?? { name, sends, setup }))),
            ),
          )
        }
      />
      <Axis
        title="Providers"
        all={['auto', ...here]}
        chosen={design.providers}
        name={(provider) => provider}
        onChange={(providers) => change(withAxis(design, 'providers', providers))}
      />
      <Axis
        title="Threads"
        all={['auto', ...counts]}
        chosen={design.threads}
        name={String}
        onChange={(threads) => change(withAxis(design, 'threads', threads))}
      />
      <Sizes design={design} />
    </div>
  );
}

interface AxisProps<T> {
  readonly title: string;
  readonly all: readonly T[];
  readonly chosen: readonly T[];
  readonly name: (value: T) => string;
  readonly onChange: (chosen: readonly T[]) => void;
}

function Axis<T extends string | number | null>({ title, all, chosen, name, onChange }: AxisProps<T>) {
  const offered = [...new Set([...all, ...chosen])];
  const press = (value: T) => {
    const next = chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value];
    if (next.length > 0) onChange(offered.filter((each) => next.includes(each)));
  };
  return (
    <fieldset className={styles.axis}>
      <legend>{title}</legend>
      {offered.map((value) => (
        <Chip
          key={name(value)}
          className={styles.choice}
          aria-pressed={chosen.includes(value)}
          onClick={() => press(value)}
        >
          {name(value)}
        </Chip>
      ))}
    </fieldset>
  );
}

function Models({ design }: { readonly design: StudyDesign }) {
  const designing = useLab((lab) => lab.designing);
  const designModels = useLab((lab) => lab.designModels);
  const [kept, setKept] = useState<readonly StoredModel[]>([]);
  useEffect(() => void attempt(listModels).then((result) => result.ok && setKept(result.value)), []);
  const offered: readonly (Omit<StudiedModel, 'modelId'> & { modelId?: string; readonly label: string })[] = [
    ...kept.map(({ id, fileName }) => ({ modelId: id, modelName: fileName, label: fileName })),
    { modelName: 'digits.onnx', source: 'sample', label: 'the bundled model' },
    ...ZOO.map(({ name, title }) => ({
      modelName: `${name}.onnx`,
      source: `zoo:${name}`,
      label: `${title}, random weights`,
    })),
  ].filter(
    ({ modelName, source, modelId }: { modelName: string; source?: string; modelId?: string }) =>
      !design.models.some(
        (model) =>
          model.modelId === modelId ||
          (source !== undefined && model.source === source && model.modelName === modelName),
      ),
  );
  return (
    <fieldset className={styles.axis}>
      <legend>Models</legend>
      {design.models.map((model) => (
        <Chip
          key={model.modelId}
          className={styles.choice}
          aria-pressed="true"
          aria-label={design.models.length > 1 ? `Take out ${modelTitle(model)}` : modelTitle(model)}
          onClick={() => removeDesignModel(model.modelId)}
        >
          {modelTitle(model)}
          {designModels.get(model.modelId)?.view.hollow && ' (no accuracy)'}
          {design.models.length > 1 && ' ×'}
        </Chip>
      ))}
      <Select
        label="Add a model"
        className={styles.add}
        value="none"
        options={[
          { value: 'none', label: designing ?? 'Add a model…' },
          ...offered.map(({ label }, index) => ({
            value: String(index),
            label,
            disabled: designing !== null,
          })),
        ]}
        onChange={(value) => {
          const model = offered[Number(value)];
          if (!model) return;
          const { label: _label, ...source } = model;
          void addDesignModel(source);
        }}
      />
      <FileButton look="link" multiple onFiles={(files) => void openFiles(pickedFiles(files))}>
        Add a model’s file
      </FileButton>
    </fieldset>
  );
}

/** Sides that are usual for images. */
const usualSides = [96, 128, 160, 192, 224, 256, 320] as const;

/** Of models that leave their size open. */
function Sizes({ design }: { readonly design: StudyDesign }) {
  const change = useLab((lab) => lab.changeDesign);
  const designModels = useLab((lab) => lab.designModels);
  const isOpen = design.models.some(({ modelId }) => {
    const view = designModels.get(modelId)?.view;
    return view !== undefined && openSizes(view).includes('height') && openSizes(view).includes('width');
  });
  const [problem, setProblem] = useState<string | null>(null);
  if (!isOpen && design.inputSizes.every((size) => size === null))
    return (
      <p className={`${panel.dim} ${panel.small}`}>
        Input sizes: {design.models.length > 1 ? 'these models take' : 'this model takes'} images of one size.
      </p>
    );
  const sizes = new Map<string, InputSize | null>([
    ['own', null],
    ...usualSides.map((side): [string, InputSize] => [`${side}x${side}`, { height: side, width: side }]),
    ...design.inputSizes.map((size): [string, InputSize | null] => [sizeText(size), size]),
  ]);
  const add = (typed: string) => {
    const [, height, width = height] = /^\s*(\d+)(?:\s*[x×]\s*(\d+))?\s*$/i.exec(typed) ?? [];
    const size = { height: Number(height), width: Number(width) };
    if (typed.trim() === '') return setProblem(null);
    if (!(size.height > 0 && size.width > 0))
      return setProblem(`found ${typed}, wanted HEIGHTxWIDTH in pixels, such as 240x320`);
    setProblem(null);
    if (!design.inputSizes.some((each) => sizeText(each) === sizeText(size)))
      change(withAxis(design, 'inputSizes', [...design.inputSizes, size]));
  };
  return (
    <>
      <Axis
        title="Input sizes"
        all={[...sizes.keys()]}
        chosen={design.inputSizes.map(sizeText)}
        name={(size) => (size === 'own' ? 'as it suits' : size)}
        onChange={(names) =>
          change(
            withAxis(
              design,
              'inputSizes',
              names.map((name) => sizes.get(name) ?? null),
            ),
          )
        }
      />
      <label className={panel.row}>
        Another size
        <TextInput
          className={styles.size}
          placeholder="240x320"
          onBlur={(event) => {
            add(event.currentTarget.value);
            event.currentTarget.value = '';
          }}
          onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
        />
      </label>
      {problem && <p role="alert">{problem}</p>}
    </>
  );
}
