import { describeBackend } from '../../../test/contract/contract.ts';
import { fakeConformance } from './fake/conformance.ts';

describeBackend(fakeConformance);
