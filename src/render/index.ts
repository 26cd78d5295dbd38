export { renderPlanText } from './plan/text.ts';
export type { PlanLooks } from './plan/text.ts';
export { planDocument } from './plan/document.ts';
