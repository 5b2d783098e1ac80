import { useLab } from '../../store/lab.ts';
import { isAboutChannels } from '../../transforms/order-of-effect.ts';
import {
  choiceForGroup,
  type GroupChoice,
  type GroupView,
  withGroupChoice,
} from '../../transforms/prune/channels/group-view.ts';
import { withProtected } from '../../transforms/prune/layer-choice.ts';
import type { StructuredPruneOperator } from '../../transforms/prune/prune-operator.ts';
import panel from '../panel.module.css';
import { PRESET_RATIOS, RatioSlider, ratioText } from '../recipe/RatioField.tsx';
import { Button, CheckField, SelectField } from '../ui/controls.tsx';
import styles from './Channels.module.css';
import { fateText, tiesText, widthText } from './group-text.ts';

interface GroupCardProps {
  readonly group: GroupView;
  /** All of them. */
  readonly groups: readonly GroupView[];
}

/** What a group ties together, why it is kept, and what the recipe does to it. */
export function GroupCard({ group, groups }: GroupCardProps) {
  const fate = fateText(group);
  return (
    <section className={styles.card} aria-label={`Group ${group.id}`}>
      <strong className={panel.wrapAnywhere}>{group.id}</strong>
      <p className={panel.small}>
        {[widthText(group), ...(fate === '' ? [] : [fate])].join(' · ')}
        <br />
        <span className={panel.dim}>{tiesText(group)}</span>
      </p>
      {group.kept === null ? (
        <GroupChoices group={group} groups={groups} />
      ) : (
        <p className={styles.reason}>
          Left whole: {group.kept.message.replace(/\.$/, '')}.
          {group.kept.hint === undefined ? '' : ` ${group.kept.hint}`}
        </p>
      )}
    </section>
  );
}

function GroupChoices({ group, groups }: GroupCardProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const at = recipe.findIndex(isAboutChannels);
  const operator = recipe[at];
  if (operator === undefined || !isAboutChannels(operator)) {
    const prune: StructuredPruneOperator = {
      op: 'prune',
      kind: 'structured',
      ratio: 0,
      groups: [{ at: group.at, ratio: 0.5 }],
    };
    return (
      <div>
        <Button onClick={() => editRecipe([prune, ...recipe])}>Remove half of these channels</Button>
      </div>
    );
  }
  const set = (next: StructuredPruneOperator) => editRecipe(recipe.with(at, next));
  const { protect = [] } = operator;
  const isProtected = group.plan?.kind === 'protected';
  const isNamed = protect.includes(group.at);
  return (
    <>
      {!isProtected && (
        <Share
          operator={operator}
          choice={choiceForGroup(group.plan) ?? 'usual'}
          onChoice={(choice) => set(withGroupChoice(operator, groups, group, choice))}
        />
      )}
      {isProtected && !isNamed ? (
        <p className={`${panel.dim} ${panel.small}`}>
          A layer that it touches is protected by {protect.join(', ')}: protected layers neither make nor read
          fewer channels.
        </p>
      ) : (
        <CheckField
          title="Protect the layer that makes them, and what it reads"
          checked={isNamed}
          onChange={(isKept) =>
            set(
              withProtected(
                operator,
                isKept ? [...protect, group.at] : protect.filter((each) => each !== group.at),
              ),
            )
          }
        />
      )}
    </>
  );
}

interface ShareProps {
  readonly operator: StructuredPruneOperator;
  readonly choice: GroupChoice;
  readonly onChoice: (choice: GroupChoice) => void;
}

function Share({ operator: { ratio, scope }, choice, onChoice }: ShareProps) {
  const shares = [...new Set([0, ...PRESET_RATIOS, ...(choice === 'usual' ? [] : [choice])])].sort(
    (a, b) => a - b,
  );
  const usual = scope === 'global' ? 'as ranked with the rest' : `as the rest: ${ratioText(ratio)}`;
  return (
    <>
      <SelectField
        title="Channels removed"
        value={String(choice)}
        options={[
          { value: 'usual', label: usual },
          ...shares.map((share) => ({
            value: String(share),
            label: share === 0 ? 'none: it stays whole' : ratioText(share),
          })),
        ]}
        onChange={(value) => onChoice(value === 'usual' ? value : Number(value))}
      />
      {choice !== 'usual' && <RatioSlider title="Exactly" ratio={choice} onChange={onChoice} />}
    </>
  );
}
