import { createProbeService } from '../src/engine/probe-service.ts';
import { serve } from '../src/engine/serve.ts';

serve(createProbeService());
