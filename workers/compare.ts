import { createCompareService } from '../src/engine/compare-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(createCompareService());
