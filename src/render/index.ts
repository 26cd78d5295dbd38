export { renderPlanText } from './plan/text.ts';
export type { PlanLooks } from './plan/text.ts';
export { planDocument } from './plan/document.ts';
export { renderPlanMarkdown } from './plan/markdown.ts';
export { renderEventLine } from './event.ts';
export { foldProgress, NO_PROGRESS, progressLines } from './progress.ts';
export type { ActiveStep, Progress } from './progress.ts';
export { renderApplyResult } from './apply.ts';
export type { ApplyOutcome } from './apply.ts';
